#include "inspection.h"

namespace shm_disruptor::binding {

namespace {

Napi::Value number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Object to_object(Napi::Env env, const Sleepers& sleepers) {
  Napi::Object object = Napi::Object::New(env);
  object["now"] = Napi::Boolean::New(env, sleepers.now);
  object["wakes"] = number(env, sleepers.wakes);
  return object;
}

Napi::Object to_object(Napi::Env env, const Headcount& count) {
  Napi::Object object = Napi::Object::New(env);
  object["alive"] = number(env, count.alive);
  object["gone"] = number(env, count.gone);
  return object;
}

}  // namespace

Napi::Object to_object(Napi::Env env, const SegmentFacts& facts) {
  Napi::Object object = Napi::Object::New(env);
  object["name"] = facts.name;
  object["damage"] = number(env, static_cast<uint64_t>(facts.damage));
  object["bytes"] = number(env, facts.size);
  object["owner"] = number(env, facts.owner);
  object["mode"] = number(env, facts.mode);
  object["kind"] = number(env, static_cast<uint64_t>(facts.kind));
  object["elements"] = number(env, facts.geometry.elements);
  object["elementSize"] = number(env, facts.geometry.element_size);
  object["consumerCount"] = number(env, facts.geometry.consumers);
  object["maxProducers"] = number(env, facts.geometry.producers);
  object["orphans"] = number(env, static_cast<uint64_t>(facts.policy.orphans));
  object["deadConsumers"] = number(env, static_cast<uint64_t>(facts.policy.dead_consumers));
  object["next"] = number(env, facts.next);
  object["cursor"] = number(env, facts.cursor);
  object["gaps"] = number(env, facts.gaps);
  object["lost"] = number(env, facts.lost);
  object["attached"] = Napi::Boolean::New(env, facts.attached);
  object["producers"] = to_object(env, facts.producers);
  object["consumers"] = to_object(env, facts.consumers);
  return object;
}

Napi::Object to_object(Napi::Env env, const Census& census) {
  Napi::Array consumers = Napi::Array::New(env, census.consumers.size());
  uint32_t index = 0;
  for (const ConsumerFacts& facts : census.consumers) {
    Napi::Object object = Napi::Object::New(env);
    Napi::Array after = Napi::Array::New(env, facts.after.size());
    for (uint32_t i = 0; i < facts.after.size(); ++i) after[i] = number(env, facts.after[i]);
    object["index"] = number(env, facts.index);
    object["role"] = number(env, static_cast<uint64_t>(facts.role));
    object["name"] = facts.name;
    object["after"] = after;
    object["sequence"] = number(env, facts.sequence);
    object["gates"] = Napi::Boolean::New(env, facts.sequence <= kLastSequence);
    object["handed"] = number(env, facts.handed);
    object["held"] = number(env, facts.held);
    object["alive"] = Napi::Boolean::New(env, facts.alive);
    object["pid"] = number(env, facts.pid);
    consumers[index++] = object;
  }
  Napi::Array producers = Napi::Array::New(env, census.producers.size());
  index = 0;
  for (const ProducerFacts& facts : census.producers) {
    Napi::Object object = Napi::Object::New(env);
    object["pid"] = number(env, facts.pid);
    object["alive"] = Napi::Boolean::New(env, facts.alive);
    object["claimed"] = number(env, facts.claimed);
    producers[index++] = object;
  }
  Napi::Object object = Napi::Object::New(env);
  object["consumers"] = consumers;
  object["producers"] = producers;
  object["forData"] = to_object(env, census.for_data);
  object["forSpace"] = to_object(env, census.for_space);
  return object;
}

}  // namespace shm_disruptor::binding

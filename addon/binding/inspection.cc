#include "inspection.h"

namespace shm_disruptor::binding {

namespace {

Napi::Value number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
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

}  // namespace shm_disruptor::binding

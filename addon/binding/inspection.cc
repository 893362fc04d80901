#include "inspection.h"

namespace shm_disruptor::binding {

namespace {

Napi::Value number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

template <class T>
Napi::Array to_array(Napi::Env env, const std::vector<T>& values);

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

Napi::Object to_object(Napi::Env env, const Hole& hole) {
  Napi::Object object = Napi::Object::New(env);
  object["begin"] = number(env, hole.begin);
  object["end"] = number(env, hole.end);
  object["orphaned"] = Napi::Boolean::New(env, hole.orphaned);
  return object;
}

Napi::Object to_object(Napi::Env env, const ConsumerFacts& facts) {
  Napi::Object object = Napi::Object::New(env);
  object["index"] = number(env, facts.index);
  object["role"] = number(env, static_cast<uint64_t>(facts.role));
  object["name"] = facts.name;
  object["after"] = to_array(env, facts.after);
  object["sequence"] = number(env, facts.sequence);
  object["gates"] = Napi::Boolean::New(env, facts.sequence <= kLastSequence);
  object["joining"] = Napi::Boolean::New(env, facts.sequence == kJoining);
  object["ignored"] = Napi::Boolean::New(env, facts.sequence == kIgnored);
  object["detached"] = Napi::Boolean::New(env, facts.sequence == kDetached);
  object["handed"] = number(env, facts.handed);
  object["begin"] = number(env, facts.begin);
  object["held"] = number(env, facts.held);
  object["alive"] = Napi::Boolean::New(env, facts.alive);
  object["pid"] = number(env, facts.pid);
  object["thread"] = number(env, facts.thread);
  return object;
}

Napi::Object to_object(Napi::Env env, const ProducerFacts& facts) {
  Napi::Object object = Napi::Object::New(env);
  object["index"] = number(env, facts.index);
  object["pid"] = number(env, facts.pid);
  object["thread"] = number(env, facts.thread);
  object["alive"] = Napi::Boolean::New(env, facts.alive);
  object["claimed"] = number(env, facts.claimed);
  object["first"] = number(env, facts.first);
  return object;
}

Napi::Value to_object(Napi::Env env, uint64_t value) { return number(env, value); }

template <class T>
Napi::Array to_array(Napi::Env env, const std::vector<T>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array[i] = to_object(env, values[i]);
  return array;
}

Napi::Object to_object(Napi::Env env, const BroadcastSnapshot& snapshot) {
  Napi::Object object = Napi::Object::New(env);
  object["next"] = number(env, snapshot.next);
  object["cursor"] = number(env, snapshot.cursor);
  object["looked"] = number(env, snapshot.looked);
  object["kept"] = number(env, snapshot.kept);
  object["dropped"] = number(env, snapshot.dropped);
  object["missing"] = number(env, snapshot.missing);
  object["sleepers"] = to_object(env, snapshot.sleepers);
  Napi::Object fault = Napi::Object::New(env);
  fault["what"] = number(env, snapshot.fault.what);
  fault["slot"] = number(env, snapshot.fault.slot);
  fault["value"] = number(env, snapshot.fault.value);
  object["fault"] = fault;
  object["publishers"] = to_array(env, snapshot.publishers);
  return object;
}

// What the header says, which need not be true.
Napi::Object to_object(Napi::Env env, const Identity& identity) {
  Napi::Object object = Napi::Object::New(env);
  object["version"] = number(env, identity.version);
  object["kind"] = number(env, static_cast<uint64_t>(identity.kind));
  object["mode"] = number(env, identity.mode);
  object["bytes"] = number(env, identity.size);
  return object;
}

}  // namespace

Napi::Object to_object(Napi::Env env, const SegmentFacts& facts) {
  const RingLayout& layout = facts.layout;
  Napi::Object object = Napi::Object::New(env);
  object["name"] = facts.name;
  object["damage"] = number(env, static_cast<uint64_t>(facts.damage));
  object["bytes"] = number(env, facts.size);
  object["owner"] = number(env, facts.owner);
  object["mode"] = number(env, facts.mode);
  object["created"] = number(env, facts.created);
  object["object"] = std::to_string(facts.device) + ":" + std::to_string(facts.inode);
  object["header"] = to_object(env, facts.identity);
  object["version"] = number(env, kLayoutVersion);
  object["kind"] = number(env, static_cast<uint64_t>(layout.kind));
  object["elements"] = number(env, layout.geometry.elements);
  object["elementSize"] = number(env, layout.geometry.element_size);
  object["consumerCount"] = number(env, layout.geometry.consumers);
  object["maxProducers"] = number(env, layout.geometry.producers);
  object["shape"] = number(env, layout.format.shape);
  object["orphans"] = number(env, static_cast<uint64_t>(layout.policy.orphans));
  object["deadConsumers"] = number(env, static_cast<uint64_t>(layout.policy.dead_consumers));
  object["producerPolicy"] = number(env, static_cast<uint64_t>(layout.policy.producers));
  object["attached"] = Napi::Boolean::New(env, facts.attached);
  object["producers"] = to_object(env, facts.producers());
  object["consumers"] = to_object(env, facts.consumers());
  object["replaced"] = Napi::Boolean::New(env, facts.replaced);
  object["snapshot"] = to_object(env, facts.snapshot);
  object["broadcast"] = to_object(env, facts.broadcast);
  return object;
}

Napi::Object to_object(Napi::Env env, const Snapshot& snapshot) {
  Napi::Object object = Napi::Object::New(env);
  object["next"] = number(env, snapshot.next);
  object["cursor"] = number(env, snapshot.cursor);
  object["replaced"] = Napi::Boolean::New(env, snapshot.replaced);
  object["gaps"] = number(env, snapshot.gaps);
  object["lost"] = number(env, snapshot.lost);
  object["hole"] = to_object(env, snapshot.hole);
  object["consumers"] = to_array(env, snapshot.consumers);
  object["producers"] = to_array(env, snapshot.producers);
  object["forData"] = to_object(env, snapshot.for_data);
  object["forSpace"] = to_object(env, snapshot.for_space);
  return object;
}

}  // namespace shm_disruptor::binding

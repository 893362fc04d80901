#include "joining.h"

#include <string>

#include "values.h"

namespace shm_disruptor::binding {

namespace {

uint64_t number(const Napi::Object& object, const char* name) {
  return unsigned_number(object.Env(), object.Get(name));
}

std::string text(const Napi::Object& object, const char* name) {
  return object.Get(name).As<Napi::String>().Utf8Value();
}

bool flag(const Napi::Object& object, const char* name) {
  return object.Get(name).As<Napi::Boolean>().Value();
}

}  // namespace

RingCreation creation_of(const Napi::Object& object) {
  RingCreation creation;
  creation.kind = static_cast<Kind>(number(object, "kind"));
  creation.geometry = {number(object, "elements"), number(object, "elementSize"),
                       number(object, "consumers"), number(object, "maxProducers")};
  creation.policy = {static_cast<Orphans>(number(object, "orphans")),
                     static_cast<DeadConsumers>(number(object, "deadConsumers")),
                     static_cast<Producers>(number(object, "producers"))};
  bool lossless = true;
  creation.format = {static_cast<uint32_t>(number(object, "shape")),
                     object.Get("schema").As<Napi::BigInt>().Uint64Value(&lossless)};
  creation.mode = static_cast<uint32_t>(number(object, "mode"));
  creation.existing = static_cast<Existing>(number(object, "existing"));
  creation.joinable = flag(object, "joinable");
  const auto declared = object.Get("declared").As<Napi::Array>();
  for (uint32_t i = 0; i < declared.Length(); ++i) {
    const auto from = declared.Get(i).As<Napi::Object>();
    Entry entry;
    entry.name = text(from, "name");
    entry.role = flag(from, "group") ? Role::kGroup : Role::kNamed;
    const auto after = from.Get("after").As<Napi::Array>();
    for (uint32_t j = 0; j < after.Length(); ++j) {
      entry.after.push_back(after.Get(j).As<Napi::Number>().Uint32Value());
    }
    creation.declared.push_back(std::move(entry));
  }
  return creation;
}

Joining joining_of(const Napi::Object& object) {
  Joining joining;
  joining.name = text(object, "name");
  joining.group = flag(object, "group");
  joining.start.kind = static_cast<Start::Kind>(number(object, "start"));
  joining.start.sequence = number(object, "sequence");
  const auto after = object.Get("after");
  joining.after_given = after.IsArray();
  if (!joining.after_given) return joining;
  const auto names = after.As<Napi::Array>();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    joining.after.push_back(names.Get(i).As<Napi::String>().Utf8Value());
  }
  return joining;
}

}  // namespace shm_disruptor::binding

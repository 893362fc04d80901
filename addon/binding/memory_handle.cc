#include "memory_handle.h"

#include <iterator>
#include <string>
#include <utility>

#include "errors.h"
#include "invoke.h"
#include "syncing.h"
#include "values.h"
#include "view.h"

namespace shm_disruptor::binding {

MemoryHandle* MemoryHandle::named(const Instance& instance) {
  const uint64_t number = instance.exchange.get(Exchange::kHandle);
  auto* handle = static_cast<MemoryHandle*>(instance.memories.find(number));
  return handle != nullptr && handle->memory_ ? handle : nullptr;
}

// Plain Node-API: see errors.cc.
napi_value MemoryHandle::make(Instance& instance, RingSegment segment, os::Access access,
                              Waiting waiting) {
  const napi_env env = instance.env;
  const std::string name = std::to_string(segment.device) + " " + std::to_string(segment.inode);
  auto* handle = new MemoryHandle(Memory(std::move(segment), access, waiting));
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<MemoryHandle*>(data); };
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok ||
      napi_wrap(env, object, handle, drop, nullptr, nullptr) != napi_ok) {
    delete handle;
    return nullptr;
  }
  const Memory& memory = *handle->memory_;
  instance.memories.add(*handle);

  napi_value object_name = nullptr;
  napi_create_string_utf8(env, name.c_str(), name.size(), &object_name);
  const napi_property_descriptor properties[] = {
      value_property("handle", js_number(env, handle->number())),
      value_property("size", js_number(env, memory.size())),
      value_property("object", object_name),
  };
  napi_define_properties(env, object, std::size(properties), properties);
  return object;
}

void MemoryHandle::define(Instance& instance, napi_value exports) {
  const auto method = [&](const char* name, napi_callback callback) {
    return method_property(name, callback, &instance);
  };
  const napi_property_descriptor methods[] = {
      method("memoryWait", invoke<MemoryHandle, &MemoryHandle::wait>),
      method("memoryLoad", invoke<MemoryHandle, &MemoryHandle::load>),
      method("memoryNotify", invoke<MemoryHandle, &MemoryHandle::notify>),
      method("memoryWatch", invoke<MemoryHandle, &MemoryHandle::watch>),
      method("memoryReplaced", invoke<MemoryHandle, &MemoryHandle::replaced>),
      method("memoryUnlinked", invoke<MemoryHandle, &MemoryHandle::unlinked>),
      method("memoryView", view),
      method("memoryRead", read),
      method("memorySync", sync),
      method("memorySyncNow", invoke<MemoryHandle, &MemoryHandle::sync_now>),
      method("memoryRelease", release),
  };
  napi_define_properties(instance.env, exports, std::size(methods), methods);
}

Status MemoryHandle::wait(Instance& instance) {
  Exchange& exchange = instance.exchange;
  const auto changed =
      memory_->wait(exchange.get(Exchange::kStart),
                    static_cast<uint32_t>(exchange.get(Exchange::kMark)), exchange.patience());
  if (!changed.ok()) return changed.error();
  exchange.answer(changed.value());
  return Done{};
}

Status MemoryHandle::load(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.answer(memory_->word(exchange.get(Exchange::kStart)).load_ordered());
  return Done{};
}

Status MemoryHandle::notify(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.answer(memory_->notify(exchange.get(Exchange::kStart),
                                  static_cast<uint32_t>(exchange.get(Exchange::kMax))));
  return Done{};
}

Status MemoryHandle::watch(Instance& instance) {
  Exchange& exchange = instance.exchange;
  const Word& word = memory_->word(exchange.get(Exchange::kStart));
  exchange.answer(instance.waker->watch(instance.listener, exchange.get(Exchange::kKey),
                                        memory_->mapping(), word, word.load_ordered()));
  return Done{};
}

Status MemoryHandle::replaced(Instance& instance) {
  instance.exchange.answer(memory_->replaced());
  return Done{};
}

Status MemoryHandle::unlinked(Instance& instance) {
  instance.exchange.answer(memory_->segment().unlinked());
  return Done{};
}

Status MemoryHandle::sync_now(Instance&) { return shm_disruptor::sync(memory_->backing()); }

// (target): copies from the offset that the exchange names as much as fits.
napi_value MemoryHandle::read(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t count = 1;
  napi_value target = nullptr;
  napi_get_cb_info(env, info, &count, &target, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  MemoryHandle* handle = named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  void* bytes = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, target, nullptr, &length, &bytes, nullptr, nullptr);
  handle->memory_->read(instance.exchange.get(Exchange::kStart), length, bytes);
  return nullptr;
}

// A promise.
napi_value MemoryHandle::sync(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  MemoryHandle* handle = named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  return sync_later(instance, handle->memory_->backing());
}

// An ArrayBuffer over the bytes from Start to End. It is the caller's to give to release().
napi_value MemoryHandle::view(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  const auto& instance = *static_cast<Instance*>(data);
  MemoryHandle* handle = named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  const Memory& memory = *handle->memory_;
  const uint64_t start = instance.exchange.get(Exchange::kStart);
  const uint64_t end = instance.exchange.get(Exchange::kEnd);
  return view_of(instance.env, memory.mapping(), memory.bytes() + start, end - start);
}

// (views): empties them and gives the memory back (mapping.h).
napi_value MemoryHandle::release(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t count = 1;
  napi_value views = nullptr;
  napi_get_cb_info(env, info, &count, &views, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  MemoryHandle* handle = named(instance);
  if (handle == nullptr) return nullptr;
  uint32_t length = 0;
  napi_get_array_length(env, views, &length);
  for (uint32_t i = 0; i < length; ++i) {
    napi_value view = nullptr;
    if (napi_get_element(env, views, i, &view) == napi_ok) detach_view(env, view);
  }
  if (instance.waker) instance.waker->let_go();
  handle->memory_->mapping()->close();
  handle->memory_.reset();
  return nullptr;
}

}  // namespace shm_disruptor::binding

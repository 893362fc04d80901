{
  "targets": [
    {
      "target_name": "shm_disruptor",
      "sources": [
        "addon/binding/addon.cc",
        "addon/binding/allocator.cc",
        "addon/binding/attaching.cc",
        "addon/binding/broadcast_handles.cc",
        "addon/binding/errors.cc",
        "addon/binding/inspection.cc",
        "addon/binding/joining.cc",
        "addon/binding/memory_handle.cc",
        "addon/binding/pool.cc",
        "addon/binding/ring_handle.cc",
        "addon/binding/syncing.cc",
        "addon/binding/view.cc",
        "addon/binding/waker.cc",
        "addon/core/inspect.cc",
        "addon/core/segment.cc",
        "addon/core/watcher.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["SHM_DISRUPTOR_ADDON", "NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags": ["-O3", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fno-rtti"],
      "conditions": [
        ["OS=='linux'", {
          "sources": ["addon/core/os/barrier_linux.cc", "addon/core/os/futex_linux.cc", "addon/core/os/futex_poll_linux.cc", "addon/core/os/lock_linux.cc", "addon/core/os/shm_linux.cc", "addon/core/os/thread_linux.cc"]
        }]
      ]
    }
  ]
}

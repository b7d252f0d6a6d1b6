// The process in which guests run. The node starts its own binary again with these arguments:
//   micro __worker FOLDER          FOLDER holds compiled modules, <hash>.cwasm; descriptor 3 is the socket to the node
#pragma once

#include <string_view>

namespace micro {

inline constexpr std::string_view kWorkerArgument = "__worker";
inline constexpr int kWorkerSocket = 3;
/// Calls that a worker holds at once. Each has a slot of the instance pool, so none waits for another to end.
inline constexpr std::uint32_t kWorkerSlots = 32;
/// Of memory that go with a slot; a call that may use more takes several.
inline constexpr std::uint64_t kSlotMemoryBytes = 64ULL << 20;

/// True: main() was started as a worker and returns worker_main(argc, argv).
bool is_worker(int argc, char** argv);
int worker_main(int argc, char** argv);

}  // namespace micro

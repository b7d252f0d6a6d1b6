// The one binary. Children that confine themselves are this program again, started with arguments of their own.
#include "rpc/cli/commands.hpp"
#include "rpc/daemon/run.hpp"
#include "rpc/demo/demo.hpp"
#include "rpc/replay/replay.hpp"
#include "services/host/git_fetch/git_fetch.hpp"
#include "services/host/worker/worker_main.hpp"
#include "services/wasm/module_cache/compile_child.hpp"

int main(int argc, char** argv) {
  if (micro::is_worker(argc, argv)) return micro::worker_main(argc, argv);
  if (micro::wasm::is_compile_child(argc, argv)) return micro::wasm::compile_child_main(argc, argv);
  if (argc > 1 && argv[1] == micro::kGitFetchCommand) return micro::git_fetch_child_main(argc, argv);
  return micro::cli_main(argc, argv, {micro::run_server, micro::run_dev, micro::run_demo, micro::replay_policy});
}

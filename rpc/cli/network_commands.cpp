#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "genesis/json/json_codec.hpp"
#include "rpc/api/json_names.hpp"
#include "rpc/cli/capacity.hpp"
#include "rpc/cli/groups.hpp"

namespace micro {

namespace {

Status network_nodes(Context& context, const NoOptions&) {
  Json nodes = TRY(context.call("net.nodes"));
  if (context.out.json()) {
    context.out.document(Json{{"nodes", std::move(nodes)}, {"unit", "TOK"}});
    return {};
  }
  Table table{{"ID", "ADDRESS", "STAKE", "CAPACITY", "STATE"}, {}};
  for (const Json& node : nodes) {
    Capacity capacity;
    const bool offers = node.contains("capacity");
    if (offers) TRY(read_json(JsonContext{}, node["capacity"], capacity));
    const std::string id = text_or(node, "node_id");
    table.rows.push_back({id.empty() ? "n-" + brief_hex(text_or(node, "node_key"), 6) : "n-" + brief_hex(id, 6),
                          text_or(node, "address"), text_or(node, "stake"), offers ? capacity_text(capacity) : "",
                          text_or(node, "state")});
  }
  context.out.table(table);
  return {};
}

Status network_services(Context& context, const NoOptions&) {
  Json names = TRY(context.call("net.services"));
  if (context.out.json()) {
    context.out.document(Json{{"services", std::move(names)}});
    return {};
  }
  for (const Json& name : names) {
    if (name.is_string()) context.out.line(name.get<std::string>());
  }
  return {};
}

Status node_status(Context& context, const NoOptions&) {
  const Json info = TRY(context.info());
  if (context.out.json()) {
    context.out.document(info);
    return {};
  }
  const auto row = [&](const char* label, const std::string& value) {
    if (!value.empty()) context.out.line(std::string(label) + std::string(12 - std::string(label).size(), ' ') + value);
  };
  row("version", text_or(info, "version"));
  row("network", text_or(info, "network") + " (" + text_or(info, "kind") + ")  " + text_or(info, "chain_id"));
  row("node", text_or(info, "node_id", "not registered: micro stake offer"));
  row("key", text_or(info, "node_key"));
  row("block", text_or(info, "height") + "  " + text_or(info, "block"));
  row("epoch", text_or(info, "epoch"));
  row("page", text_or(info, "http"));
  row("data", text_or(info, "data_dir"));
  row("process", text_or(info, "pid"));
  return {};
}

/// A process of this machine, watched until it is gone.
class WatchedProcess {
 public:
  explicit WatchedProcess(pid_t pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  WatchedProcess(const WatchedProcess&) = delete;
  WatchedProcess& operator=(const WatchedProcess&) = delete;
  ~WatchedProcess() {
    if (fd_ >= 0) ::close(fd_);
  }
  /// False when it is still there after this time. A process that was gone from the start has ended.
  [[nodiscard]] bool ends_within(std::uint64_t ms) const {
    if (fd_ < 0) return true;
    pollfd ended{fd_, POLLIN, 0};
    return ::poll(&ended, 1, static_cast<int>(std::min<std::uint64_t>(ms, std::numeric_limits<int>::max()))) == 1;
  }

 private:
  int fd_;
};

Status node_stop(Context& context, const NoOptions&) {
  const std::uint64_t pid = TRY(number_of(TRY(context.info()), "pid"));
  const WatchedProcess node(static_cast<pid_t>(pid));  // before it is asked: numbers of processes are used again
  TRY(context.call("node.stop", Json::object(), CallEffect::kChange));
  const bool waits = context.globals.wait == WaitFor::kIncluded || context.globals.wait == WaitFor::kFinal;
  if (waits) context.out.progress("the node (process " + std::to_string(pid) + ") stops");
  if (waits && !node.ends_within(context.globals.timeout_ms)) {
    return fail(Fault::kUnknownOutcome,
                "the node (process " + std::to_string(pid) + ") was told to stop and has not ended after " +
                    format_duration(context.globals.timeout_ms),
                "see its log; it can be killed without loss: kill -9 " + std::to_string(pid));
  }
  const std::string state = waits ? "stopped" : "stopping";
  if (context.out.json()) {
    context.out.document(Json{{"state", state}, {"pid", std::to_string(pid)}});
  } else {
    context.out.line(state + "  process " + std::to_string(pid));
  }
  return {};
}

}  // namespace

void add_network_commands(CLI::App& app, Context& context) {
  NoOptions* none = nullptr;
  CLI::App* network = add_group(app, "network", "who and what is on the network");
  add_command(*network, context, "nodes", "nodes on the ledger", network_nodes, none);
  add_command(*network, context, "services", "names of services", network_services, none);
  CLI::App* node = add_group(app, "node", "the node of this machine");
  add_command(*node, context, "status", "what it is and where it stands", node_status, none);
  add_command(*node, context, "stop", "stop it", node_stop, none);
}

}  // namespace micro

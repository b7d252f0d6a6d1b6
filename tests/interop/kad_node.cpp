#include "tests/interop/kad_node.hpp"

#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <cstdio>

#include "p2p/discovery/shell/discovery.hpp"

namespace micro::p2p::interop {
namespace {

namespace asio = boost::asio;

struct KadProcess {
  asio::io_context io{1};
  SystemClock clock;
  SystemRandom random;
  Host host{io, {.key = HostKey::generate(random), .gater = {.local_addresses = true}}, clock, random};
  Discovery discovery{
      io,    host,   {.network = {}, .kad = {.local_addresses = true}, .kad_protocol = std::string(kKadProtocol)},
      clock, random, nullptr};
};

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> out;
  while (!line.empty()) {
    const std::size_t size = std::min(line.find(' '), line.size());
    out.emplace_back(line.substr(0, size));
    line.remove_prefix(std::min(size + 1, line.size()));
  }
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

Task<Result<std::string>> find_peer(Discovery& discovery, std::string text) {
  const auto peer = PeerId::parse(text);
  if (!peer) co_return std::unexpected(peer.error());
  const auto found = co_await discovery.find_node(to_bytes(peer->view()));
  if (!found) co_return std::unexpected(found.error());
  if (found->closest.empty() || found->closest[0].peer != *peer) co_return fail(Fault::kNotFound, "not found");
  std::vector<std::string> addresses;
  for (const Multiaddr& address : found->closest[0].addresses) addresses.push_back(address.text());
  co_return joined(addresses);
}

Task<Result<std::string>> run_line(KadProcess* process, std::vector<std::string> words) {
  Discovery& discovery = process->discovery;
  if (words.at(0) == "table") co_return std::to_string(discovery.kad().table().size());
  if (words.size() != 2) co_return fail(Fault::kInvalid, "no such line");
  if (words[0] == "connect") {
    auto address = Multiaddr::parse(words[1]);
    if (!address) co_return std::unexpected(address.error());
    const auto session = co_await process->host.dial(std::move(*address));
    if (!session) co_return std::unexpected(session.error());
    co_return std::string();
  }
  if (words[0] == "find") co_return co_await find_peer(discovery, words[1]);
  auto name = from_hex(words[1]);
  if (!name) co_return std::unexpected(name.error());
  const bool provides = words[0] == "provide";
  const auto found = provides ? co_await discovery.provide(*name) : co_await discovery.find_providers(*name, 1);
  if (!found) co_return std::unexpected(found.error());
  std::vector<std::string> who;
  for (const PeerInfo& peer : found->providers) who.push_back(peer.peer.text());
  std::ranges::sort(who);
  co_return provides ? std::string() : joined(who);
}

Task<void> run_lines(KadProcess* process) {
  asio::posix::stream_descriptor input(process->io, ::dup(STDIN_FILENO));
  std::string text;
  while (true) {
    const auto [ended, size] =
        co_await asio::async_read_until(input, asio::dynamic_buffer(text, 4'096), '\n', kAsTuple);
    if (ended) break;
    auto words = words_of(std::string_view(text).substr(0, size - 1));
    text.erase(0, size);
    if (words.empty()) continue;
    const auto said = co_await run_line(process, std::move(words));
    std::printf("%s %s\n", said ? "done" : "failed", said ? said->c_str() : said.error().message.c_str());
    std::fflush(stdout);
  }
  (void)process->discovery.stop();
  process->host.stop();
}

}  // namespace

int run_kad(const Multiaddr& address) {
  KadProcess process;
  const auto bound = process.host.listen(address);
  if (!bound) {
    std::printf("failed %s\n", bound.error().message.c_str());
    return 1;
  }
  process.discovery.set_addresses({bound->without_peer()});
  if (!process.discovery.start()) return 1;
  std::printf("ready %s\n", bound->text().c_str());
  std::fflush(stdout);
  asio::co_spawn(process.io, run_lines(&process), [](const std::exception_ptr&) {});
  process.io.run();
  return 0;
}

}  // namespace micro::p2p::interop

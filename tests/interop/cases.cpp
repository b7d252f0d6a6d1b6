#include "tests/interop/cases.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

namespace micro::p2p::interop {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kEchoStreams = 64;
constexpr std::size_t kEchoBytes = 1'024 * 1'024;
constexpr std::size_t kSlowBytes = 24 * 1'024 * 1'024;
constexpr std::size_t kPerfBytes = 16 * 1'024 * 1'024;
constexpr std::size_t kChunkBytes = 64 * 1'024;

#define CO_TRY(name, ...)    \
  auto name = (__VA_ARGS__); \
  if (!name) co_return std::unexpected(std::move(name).error())

std::array<std::uint8_t, 8> big_endian(std::uint64_t value) {
  std::array<std::uint8_t, 8> out;
  for (unsigned n = 0; n < 8; ++n) out[n] = static_cast<std::uint8_t>(value >> (56 - 8 * n));
  return out;
}
std::uint64_t from_big_endian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

Task<Result<std::uint64_t>> count_to_end(Stream& stream) {
  Bytes buffer(kChunkBytes);
  std::uint64_t count = 0;
  while (true) {
    CO_TRY(size, co_await stream.read(buffer));
    if (*size == 0) co_return count;
    count += *size;
  }
}

Task<Status> write_many(Stream& stream, std::uint64_t bytes) {
  const Bytes chunk(kChunkBytes, 7);
  while (bytes > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, chunk.size()));
    CO_TRY(written, co_await stream.write(ByteView(chunk).first(size)));
    bytes -= size;
  }
  co_return Status();
}

// --- what we do for others ---

Task<void> echo(Stream stream) {
  Bytes buffer(kChunkBytes);
  while (true) {
    const auto size = co_await stream.read(buffer);
    if (!size) co_return;
    if (*size == 0) break;
    if (!co_await stream.write(ByteView(buffer).first(*size))) co_return;
  }
  stream.finish();
}

Task<void> answer_after_end(Stream stream) {
  const auto count = co_await count_to_end(stream);
  if (count && co_await stream.write(big_endian(*count))) stream.finish();
}

Task<void> reset_it(Stream stream) {
  std::uint8_t byte = 0;
  if (co_await stream.read_exactly(std::span(&byte, 1))) stream.reset();
}

// A byte goes back first: of a stream that is opened and reset in one flight nobody need hear.
Task<void> expect_reset(Responder* responder, Stream stream) {
  std::uint8_t byte = 0;
  if (!co_await stream.read_exactly(std::span(&byte, 1))) co_return;
  if (!co_await stream.write(std::span(&byte, 1))) co_return;
  if (co_await count_to_end(stream)) co_return;
  ++responder->resets_seen;
  responder->changed.notify();
}

// The answer waits for a byte of the asker: js loses what comes with the end in the flight of the protocol's echo.
Task<void> answer(Stream stream) {
  std::uint8_t byte = 0;
  if (!co_await stream.read_exactly(std::span(&byte, 1))) co_return;
  if (co_await stream.write(std::span(&byte, 1))) stream.finish();
}

Task<Status> ask(std::shared_ptr<Session> session, std::string protocol) {
  CO_TRY(stream, co_await session->open({std::move(protocol)}));
  CO_TRY(asked, co_await stream->write(as_bytes("q")));
  std::uint8_t byte = 0;
  CO_TRY(told, co_await stream->read_exactly(std::span(&byte, 1)));
  stream->finish();
  co_return Status();
}

Task<void> tell_resets(Responder* responder, Stream stream) {
  while (responder->resets_seen == 0) co_await responder->changed.wait();
  --responder->resets_seen;
  co_await answer(std::move(stream));
}

Task<void> read_when_told(Responder* responder, Stream stream) {
  while (!responder->gate_open) co_await responder->changed.wait();
  responder->gate_open = false;
  co_await answer_after_end(std::move(stream));
}

Task<void> open_gate(Responder* responder, Stream stream) {
  responder->gate_open = true;
  responder->changed.notify();
  co_await answer(std::move(stream));
}

Task<void> wait_for_push(Stream stream) {
  const auto session = stream.session();
  while (session->is_open()) {
    const auto& said = session->identify();
    if (said && std::ranges::find(said->protocols, "/test/new/1") != said->protocols.end()) break;
    co_await session->identify_changed().wait();
  }
  co_await answer(std::move(stream));
}

Task<void> perf(Stream stream) {
  std::array<std::uint8_t, 8> wanted;
  if (!co_await stream.read_exactly(wanted)) co_return;
  if (!co_await count_to_end(stream)) co_return;
  if (co_await write_many(stream, from_big_endian(wanted))) stream.finish();
}

// --- what we try with others ---

Task<Status> try_ping(Host&, std::shared_ptr<Session> session) {
  const SystemClock clock;
  SystemRandom random;
  for (int n = 0; n < 3; ++n) {
    CO_TRY(took, co_await ping(session, clock, random));
  }
  co_return Status();
}

Task<Status> try_identify(Host&, std::shared_ptr<Session> session) {
  if (!co_await session->wait_identified()) co_return fail(Fault::kUnreachable, "the session is gone");
  const Identify& said = *session->identify();
  if (said.agent_version.empty()) co_return fail(Fault::kMismatch, "no agent");
  if (std::ranges::find(said.protocols, "/test/echo/1") == said.protocols.end()) {
    co_return fail(Fault::kMismatch, "a protocol is missing");
  }
  if (!said.observed_address || !said.observed_address->without_peer().tcp_target()) {
    co_return fail(Fault::kMismatch, "no observed address");
  }
  if (!said.signed_peer_record.empty()) {
    CO_TRY(record, PeerRecord::open(said.signed_peer_record));
    if (record->peer != session->peer()) co_return fail(Fault::kMismatch, "a record of somebody else");
  }
  co_return Status();
}

Task<void> nothing(Stream) {
  co_return;
}

Task<Status> try_push(Host& host, std::shared_ptr<Session> session) {
  if (!co_await session->wait_identified()) co_return fail(Fault::kUnreachable, "the session is gone");
  host.handle("/test/new/1", nothing);
  host.push_identify();
  co_return co_await ask(session, "/test/pushed/1");
}

struct EchoJob {
  explicit EchoJob(const asio::any_io_executor& executor) : changed(executor) {}
  Signal changed;
  std::size_t running = 0;
  Status status;
};

std::uint8_t echo_byte(std::size_t stream, std::size_t at) {
  return static_cast<std::uint8_t>(stream * 31 + at * 7 + (at >> 8));
}

Task<void> echo_writer(std::shared_ptr<Stream> stream, std::size_t number) {
  Bytes chunk(kChunkBytes);
  for (std::size_t at = 0; at < kEchoBytes; at += chunk.size()) {
    for (std::size_t n = 0; n < chunk.size(); ++n) chunk[n] = echo_byte(number, at + n);
    if (!co_await stream->write(chunk)) co_return;
  }
  stream->finish();
}

Task<Status> echo_reader(std::shared_ptr<Stream> stream, std::size_t number) {
  Bytes buffer(kChunkBytes);
  std::size_t at = 0;
  while (true) {
    CO_TRY(size, co_await stream->read(buffer));
    if (*size == 0) break;
    for (std::size_t n = 0; n < *size; ++n) {
      if (buffer[n] != echo_byte(number, at + n)) co_return fail(Fault::kMismatch, "an echo came back changed");
    }
    at += *size;
  }
  if (at != kEchoBytes) co_return fail(Fault::kMismatch, "an echo of " + std::to_string(at) + " bytes");
  co_return Status();
}

Task<void> echo_one(EchoJob* job, std::shared_ptr<Session> session, std::size_t number) {
  auto opened = co_await session->open({"/test/echo/1"});
  Status status;
  if (opened) {
    const auto stream = std::make_shared<Stream>(std::move(*opened));
    asio::co_spawn(co_await asio::this_coro::executor, echo_writer(stream, number), asio::detached);
    status = co_await echo_reader(stream, number);
  } else {
    status = std::unexpected(opened.error());
  }
  if (!status && job->status) job->status = status;
  --job->running;
  job->changed.notify();
}

Task<Status> try_echo(Host&, std::shared_ptr<Session> session) {
  const auto executor = co_await asio::this_coro::executor;
  const auto job = std::make_shared<EchoJob>(executor);
  for (std::size_t n = 0; n < kEchoStreams; ++n) {
    ++job->running;
    asio::co_spawn(executor, echo_one(job.get(), session, n), [job](const std::exception_ptr&) {});
  }
  while (job->running > 0) co_await job->changed.wait();
  co_return job->status;
}

Task<Status> expect_count(Stream& stream, std::uint64_t count) {
  std::array<std::uint8_t, 8> answer;
  CO_TRY(read, co_await stream.read_exactly(answer));
  CO_TRY(rest, co_await count_to_end(stream));
  if (from_big_endian(answer) != count || *rest != 0) {
    co_return fail(Fault::kMismatch, std::to_string(from_big_endian(answer)) + " bytes arrived");
  }
  co_return Status();
}

Task<Status> try_half_close(Host&, std::shared_ptr<Session> session) {
  CO_TRY(stream, co_await session->open({"/test/half-close/1"}));
  CO_TRY(written, co_await write_many(*stream, 100'000));
  stream->finish();
  co_return co_await expect_count(*stream, 100'000);
}

Task<Status> try_reset(Host&, std::shared_ptr<Session> session) {
  CO_TRY(stream, co_await session->open({"/test/reset/1"}));
  CO_TRY(written, co_await stream->write(as_bytes("x")));
  std::uint8_t byte = 0;
  const auto read = co_await stream->read(std::span(&byte, 1));
  if (read) co_return fail(Fault::kMismatch, "no reset came");
  CO_TRY(ours, co_await session->open({"/test/was-reset/1"}));
  CO_TRY(said, co_await ours->write(as_bytes("x")));
  CO_TRY(heard, co_await ours->read_exactly(std::span(&byte, 1)));
  ours->reset();
  co_return co_await ask(session, "/test/resets/1");
}

struct SlowJob {
  explicit SlowJob(const asio::any_io_executor& executor) : changed(executor) {}
  Signal changed;
  bool done = false;
  Status status;
};

Task<void> slow_writer(std::shared_ptr<SlowJob> job, std::shared_ptr<Stream> stream) {
  job->status = co_await write_many(*stream, kSlowBytes);
  stream->finish();
  job->done = true;
  job->changed.notify();
}

// A reader that does not read holds up this stream and no other.
Task<Status> try_slow_reader(Host& host, std::shared_ptr<Session> session) {
  CO_TRY(opened, co_await session->open({"/test/slow/1"}));
  const auto stream = std::make_shared<Stream>(std::move(*opened));
  const auto executor = co_await asio::this_coro::executor;
  const auto job = std::make_shared<SlowJob>(executor);
  asio::co_spawn(executor, slow_writer(job, stream), asio::detached);
  for (int n = 0; n < 20; ++n) {
    CO_TRY(pinged, co_await try_ping(host, session));
  }
  if (job->done) co_return fail(Fault::kMismatch, "a reader that does not read took everything");
  CO_TRY(told, co_await ask(session, "/test/gate/1"));
  while (!job->done) co_await job->changed.wait();
  if (!job->status) co_return job->status;
  co_return co_await expect_count(*stream, kSlowBytes);
}

Task<Status> try_perf(Host&, std::shared_ptr<Session> session) {
  CO_TRY(stream, co_await session->open({"/perf/1.0.0"}));
  CO_TRY(asked, co_await stream->write(big_endian(kPerfBytes)));
  CO_TRY(written, co_await write_many(*stream, kPerfBytes));
  stream->finish();
  CO_TRY(count, co_await count_to_end(*stream));
  if (*count != kPerfBytes) co_return fail(Fault::kMismatch, std::to_string(*count) + " bytes came");
  co_return Status();
}

constexpr Case kCases[] = {{"ping", try_ping},
                           {"identify", try_identify},
                           {"push", try_push},
                           {"echo", try_echo},
                           {"half-close", try_half_close},
                           {"reset", try_reset},
                           {"slow-reader", try_slow_reader},
                           {"perf", try_perf}};

}  // namespace

std::span<const Case> cases() {
  return kCases;
}

void serve(Host& host, Responder& responder) {
  Responder* const shared = &responder;
  host.handle("/test/echo/1", echo);
  host.handle("/test/half-close/1", answer_after_end);
  host.handle("/test/reset/1", reset_it);
  host.handle("/test/was-reset/1", [shared](Stream stream) { return expect_reset(shared, std::move(stream)); });
  host.handle("/test/resets/1", [shared](Stream stream) { return tell_resets(shared, std::move(stream)); });
  host.handle("/test/slow/1", [shared](Stream stream) { return read_when_told(shared, std::move(stream)); });
  host.handle("/test/gate/1", [shared](Stream stream) { return open_gate(shared, std::move(stream)); });
  host.handle("/test/pushed/1", wait_for_push);
  host.handle("/perf/1.0.0", perf);
}

}  // namespace micro::p2p::interop

#include "rpc/daemon/service_runtime.hpp"

#include <boost/asio/post.hpp>

#include "chain/registry/service_rules.hpp"
#include "services/host/cgi/cgi.hpp"
#include "services/wasm/engine.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

namespace asio = boost::asio;
constexpr std::uint64_t kTickMs = 100;
constexpr std::size_t kMaxModuleFileBytes = 32u << 20;
constexpr std::uint64_t kMaxModuleCacheBytes = 4ULL << 30;  // compiled modules on disk, besides those in use
constexpr std::uint16_t kBadGateway = 502;
static_assert(std::uint64_t{kMaxVersionMemoryMib} << 20 == wasm::kMaxMemoryBytes, "what is paid for is given");

BuilderConfig builder_config(const RuntimeConfig& config) {
  BuilderConfig out;
  out.cache_dir = config.cache_dir.string();
  out.private_hosts = config.sources.allow_local;  // who lets this disk be a source lets its own network be one
  return out;
}

/// A module that no host could run is not attested: nobody shall pay for its place.
Status check_module(const BuildResult& built, std::uint32_t memory_mib) {
  const wasm::ModuleInfo info = TRY(wasm::inspect(TRY(read_file(built.wasm_path, kMaxModuleFileBytes))));
  TRY(wasm::check_program(info));
  return wasm::check_memory(info, std::uint64_t{memory_mib} << 20);
}

std::string_view ending_text(wasm::CallEnd end) {
  switch (end) {
    case wasm::CallEnd::kTrapped:
      return "the service failed";
    case wasm::CallEnd::kOutOfGas:
      return "the service used up the call's gas";
    case wasm::CallEnd::kDeadline:
      return "the service took too long";
    case wasm::CallEnd::kHostFailure:
      return "the host could not run the service";
    case wasm::CallEnd::kCancelled:
      return "the call was cancelled";
    case wasm::CallEnd::kExited:
      break;
  }
  return "the service ended";
}

/// Gas is the caller's to give, and with it time: what ends for want of them, or because the caller went, says nothing
/// about the service.
bool tells_of_service(wasm::CallEnd end) {
  return end != wasm::CallEnd::kOutOfGas && end != wasm::CallEnd::kDeadline && end != wasm::CallEnd::kCancelled;
}

CallReply text_reply(std::uint16_t status, std::string_view text) {
  CallReply reply;
  reply.status = status;
  reply.content_type = Text<kMaxReplyContentTypeBytes>("text/plain; charset=utf-8");
  const ByteView bytes = as_bytes(text);
  reply.body.assign(bytes.begin(), bytes.end());
  return reply;
}

/// What a program wrote, as a reply; a program that wrote no valid response answered 502.
CallReply reply_of(const wasm::ProgramOutcome& outcome) {
  auto parsed = parse_cgi_response(outcome.out);
  if (!parsed)
    return text_reply(kBadGateway, "the service's answer is not a CGI response: " + parsed.error().message + "\n");
  CallReply reply;
  reply.status = parsed->status;
  for (const auto& [name, value] : parsed->headers) {
    if (name.size() == 12 && strcasecmp(name.c_str(), "content-type") == 0) {
      reply.content_type = Text<kMaxReplyContentTypeBytes>(value.substr(0, kMaxReplyContentTypeBytes));
    }
  }
  static_cast<Bytes&>(reply.body) = std::move(parsed->body);
  return reply;
}

RunReply judge(const wasm::ProgramOutcome& outcome) {
  RunReply out;
  out.gas = outcome.gas;
  switch (outcome.kind) {
    case wasm::CallEnd::kExited:
      out.outcome = RunOutcome::kCompleted;
      out.reply = reply_of(outcome);
      return out;
    case wasm::CallEnd::kHostFailure:
    case wasm::CallEnd::kCancelled:
      out.outcome = RunOutcome::kHostFailed;
      break;
    default:
      out.outcome = RunOutcome::kExhausted;
      break;
  }
  out.problem = std::string(ending_text(outcome.kind)) + (outcome.detail.empty() ? "" : ": " + outcome.detail);
  out.reply = text_reply(kBadGateway, out.problem + "\n");
  return out;
}

Result<CallJob> job_of(RunOrder&& order, const Hash& artefact) {
  const std::string& target = order.request.record.target;
  const std::size_t mark = target.find('?');
  CgiRequest cgi;
  cgi.method = order.request.record.method;
  cgi.path = target.substr(0, mark);
  cgi.query = mark == std::string::npos ? "" : target.substr(mark + 1);
  cgi.content_type = order.request.record.content_type;
  cgi.body = order.request.body;
  cgi.service = order.service;
  cgi.version = std::move(order.commit);
  cgi.caller = order.caller;
  CallJob job;
  job.artefact = artefact;
  job.call.env = TRY(cgi_variables(cgi));
  job.call.args = wasm::Texts::of({order.service});
  job.call.gas_limit = order.gas_limit;
  job.call.deadline_ms = kCallDeadlineMs;
  job.call.time = order.time;
  job.call.seed = order.seed;
  job.call.memory_bytes = std::uint64_t{order.memory_mib} << 20;
  job.input = static_cast<Bytes&&>(order.request.body);
  return job;
}

}  // namespace

ServiceRuntime::ServiceRuntime(asio::io_context& io, RuntimeConfig config, RuntimePorts ports, LogBook& logs)
    : io_(io),
      config_(std::move(config)),
      ports_(std::move(ports)),
      logs_(logs),
      builder_(builder_config(config_)),
      timer_(io),
      jobs_(std::make_unique<asio::thread_pool>(config_.build_threads + 1)),
      foreign_builds_(std::make_unique<asio::thread_pool>(config_.build_threads)) {}

Result<std::unique_ptr<ServiceRuntime>> ServiceRuntime::open(asio::io_context& io, RuntimeConfig config,
                                                             RuntimePorts ports, LogBook& logs) {
  std::unique_ptr<ServiceRuntime> out(new ServiceRuntime(io, std::move(config), std::move(ports), logs));
  wasm::ModuleCacheOptions options;
  options.folder = out->config_.cache_dir / "modules";
  out->modules_ = TRY(wasm::ModuleCache::open(std::move(options)));
  WorkerPoolOptions pool;
  pool.artefacts = out->modules_->folder();
  pool.workers = out->config_.workers;
  out->workers_ = std::make_unique<WorkerPool>(io.get_executor(), std::move(pool),
                                               [self = out.get()](const WorkerEvent& e) { self->ports_.log(e.text); });
  return out;
}

ServiceRuntime::~ServiceRuntime() {
  stop();
}

Status ServiceRuntime::start() {
  TRY(workers_->start());
  tick();
  return {};
}

void ServiceRuntime::stop() {
  if (!jobs_) return;
  stop_.request_stop();
  timer_.cancel();
  jobs_->join();
  foreign_builds_->join();
  jobs_.reset();
  workers_->stop();
}

void ServiceRuntime::tick() {
  timer_.expires_after(std::chrono::milliseconds(kTickMs));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    feed(scheduler::Tick{});
    tick();
  });
}

void ServiceRuntime::note_log(const VersionId& version, std::string source, std::string_view text) {
  logs_.append(version, SystemClock().wall(), std::move(source), text);
}

void ServiceRuntime::update(std::vector<WantedVersion> wanted) {
  feed(scheduler::Wanted{std::move(wanted)});
}

bool ServiceRuntime::retry(const VersionId& version) {
  const auto found = versions().find(version);
  if (found == versions().end() || found->second.state != LocalState::kError) return false;
  note_log(version, "node", "asked for again");
  feed(scheduler::Retry{version});
  return true;
}

bool ServiceRuntime::accepts(const VersionId& version) const {
  return scheduler_.accepts(version, SystemClock().now());
}

std::optional<std::string> ServiceRuntime::failure(const VersionId& version) const {
  const auto found = versions().find(version);
  if (found == versions().end() || found->second.state != LocalState::kError) return std::nullopt;
  return found->second.error;
}

VersionStats ServiceRuntime::stats(const VersionId& version) const {
  const auto found = stats_.find(version);
  return found == stats_.end() ? VersionStats{} : found->second;
}

void ServiceRuntime::feed(const scheduler::Event& event) {
  for (const scheduler::Effect& effect : scheduler_.on(event, SystemClock().now())) perform(effect);
}

void ServiceRuntime::perform(const scheduler::Effect& effect) {
  if (const auto* e = std::get_if<scheduler::Build>(&effect)) build(e->version, e->foreign);
  if (const auto* e = std::get_if<scheduler::Attest>(&effect)) attest(e->version);
  if (const auto* e = std::get_if<scheduler::Compile>(&effect)) compile(e->version);
  if (const auto* e = std::get_if<scheduler::Serve>(&effect)) note_log(e->version, "node", "serving calls");
  if (const auto* e = std::get_if<scheduler::Stop>(&effect)) {
    artefacts_.erase(e->version);
    note_log(e->version, "node", "stopped");
  }
}

void ServiceRuntime::build(const WantedVersion& wanted, bool foreign) {
  asio::post(foreign ? *foreign_builds_ : *jobs_, [this, wanted] {
    const auto sink = [this, &wanted](std::string_view line) { note_log(wanted.version, "build", line); };
    const auto made = [&]() -> Result<BuildResult> {
      const Source source = TRY(make_source(wanted.repo_url, wanted.subdir, wanted.commit.hex(), config_.sources));
      const PreparedSource prepared = TRY(builder_.prepare(source, sink, stop_.get_token()));
      auto built = builder_.build(prepared, "", sink, stop_.get_token());
      if (built) TRY(check_module(*built, wanted.memory_mib));
      return built;
    }();
    if (!made) sink("build failed: " + made.error().message);
    asio::post(io_, [this, version = wanted.version, made] {
      if (!made) {
        return feed(scheduler::BuildEnded{version, std::nullopt, made.error().message, made.error().fault});
      }
      built_.insert_or_assign(version, *made);
      feed(scheduler::BuildEnded{version, made->wasm_sha256, "", {}});
    });
  });
}

void ServiceRuntime::attest(const VersionId& version) {
  const auto self = ports_.self();
  const auto built = built_.find(version);
  const auto end = [this, version](const Status& status) {
    asio::post(io_, [this, version, status] {
      feed(scheduler::AttestEnded{version, status.has_value(), status ? "" : status.error().message});
    });
  };
  if (!self || built == built_.end()) return end(fail(Fault::kInternal, "this node is not registered"));
  AttestBuild attestation;
  attestation.version = version;
  attestation.node = *self;
  attestation.plan_hash = built->second.plan_hash;
  attestation.toolchain_hash = built->second.toolchain_hash;
  attestation.wasm_hash = built->second.wasm_sha256;
  attestation.wasm_bytes = built->second.wasm_bytes;
  attestation.signature = config_.node_key.sign(build_attest_hash(config_.chain, attestation));
  ports_.attest(attestation, end);
}

void ServiceRuntime::compile(const VersionId& version) {
  const std::string path = built_.at(version).wasm_path;
  std::set<Hash> in_use;
  for (const auto& [other, artefact] : artefacts_) in_use.insert(artefact);
  asio::post(*jobs_, [this, version, path, in_use = std::move(in_use)] {
    const auto artefact = [&]() -> Result<Hash> {
      const Bytes wasm = TRY(read_file(path, kMaxModuleFileBytes));
      return modules_->get(wasm, stop_.get_token());
    }();
    if (!artefact) note_log(version, "node", "compiling failed: " + artefact.error().message);
    // What was compiled last goes last, so this one stays too.
    if (const Status pruned = modules_->prune(in_use, kMaxModuleCacheBytes); !pruned)
      ports_.log(pruned.error().message);
    asio::post(io_, [this, version, artefact] {
      if (artefact) artefacts_.insert_or_assign(version, *artefact);
      const Error error = artefact ? Error{} : artefact.error();
      feed(scheduler::CompileEnded{version, artefact.has_value(), error.message, error.fault});
    });
  });
}

std::uint64_t ServiceRuntime::run(RunOrder order, std::function<void(RunReply)> done) {
  const auto artefact = artefacts_.find(order.version);
  if (artefact == artefacts_.end() || !accepts(order.version)) {
    RunReply reply;
    reply.problem = "the service is not ready on this host";
    done(std::move(reply));
    return kNoRun;
  }
  const VersionId version = order.version;
  auto job = job_of(std::move(order), artefact->second);
  if (!job) {
    RunReply reply;
    reply.outcome = RunOutcome::kCompleted;
    reply.reply = text_reply(400, job.error().message + "\n");
    done(std::move(reply));
    return kNoRun;
  }
  const std::uint64_t call = next_call_++;
  return workers_->call(std::move(*job),
                        [this, version, call, done = std::move(done)](const wasm::ProgramOutcome& outcome) {
                          RunReply reply = judge(outcome);
                          VersionStats& stats = stats_[version];
                          ++stats.calls;
                          stats.gas += reply.gas.value;
                          const bool died = reply.outcome != RunOutcome::kCompleted;
                          const bool failed = died && outcome.kind != wasm::CallEnd::kCancelled;
                          if (failed || reply.reply.status >= 500) ++stats.errors;
                          if (!outcome.log.empty())
                            note_log(version, "call " + std::to_string(call), as_text(outcome.log));
                          if (died) note_log(version, "call " + std::to_string(call), reply.problem);
                          if (tells_of_service(outcome.kind)) feed(scheduler::CallEnded{version, died});
                          done(std::move(reply));
                        });
}

void ServiceRuntime::cancel(std::uint64_t run) {
  if (run != kNoRun) workers_->cancel(run);
}

void ServiceRuntime::resolve(const std::string& source, std::function<void(Result<PreparedSource>)> done) {
  asio::post(*jobs_, [this, source, done = std::move(done)]() mutable {
    auto prepared = [&]() -> Result<PreparedSource> {
      const Source parsed = TRY(parse_source(source, config_.sources));
      return builder_.prepare(parsed, {}, stop_.get_token());
    }();
    const auto shared = std::make_shared<Result<PreparedSource>>(std::move(prepared));  // the handler may be copied
    asio::post(io_, [shared, done = std::move(done)] { done(std::move(*shared)); });
  });
}

}  // namespace micro

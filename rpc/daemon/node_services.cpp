// Methods about services, their versions and logs.
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "chain/registry/service_rules.hpp"
#include "genesis/json/strict_json.hpp"
#include "rpc/daemon/node.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kDefaultLogLines = 15;
constexpr std::uint64_t kMaxLogLines = 1'000;
constexpr std::uint64_t kFollowPollMs = 200;
constexpr std::uint32_t kDefaultMemoryMib = 64;

Json line_json(const LogLine& line) {
  return {{"cursor", std::to_string(line.cursor)},
          {"time", line.time.text()},
          {"source", line.source},
          {"text", line.text}};
}

Json resolved_json(const PreparedSource& source) {
  const Manifest& manifest = source.detection.manifest;
  Json notes = Json::array();
  for (const std::string& note : source.detection.notes) notes.push_back(note);
  Json out{{"repo_url", source.fetched.repo},
           {"subdir", source.fetched.subdir},
           {"commit", source.fetched.commit.hex()},
           {"commit_time_s", std::to_string(source.fetched.commit_time_s)},
           {"subject", source.fetched.subject},
           {"ref", source.fetched.ref},
           {"notes", std::move(notes)},
           {"language", language_name(source.detection.plan.language)},
           {"plan_hash", source.detection.plan_hash.hex()},
           {"memory_mib", manifest.memory_mib.value_or(kDefaultMemoryMib)},
           {"uncommitted_changes", source.fetched.uncommitted_changes},
           {"description", manifest.description.value_or("")}};
  if (manifest.price) out["price"] = amount_text(*manifest.price);
  // The folder's name, or the repository's, when the source names nothing.
  std::string name = manifest.name.value_or("");
  if (name.empty()) {
    std::string path = source.fetched.subdir.empty() ? source.fetched.repo : source.fetched.subdir;
    while (path.ends_with('/')) path.pop_back();
    name = path.substr(path.rfind('/') + 1);
    if (name.ends_with(".git")) name.resize(name.size() - 4);
  }
  if (is_service_name(name)) out["suggested_name"] = name;
  return out;
}

}  // namespace

Json Node::local_json(const VersionId& version) const {
  const auto found = runtime_->versions().find(version);
  if (found == runtime_->versions().end()) return {{"state", "none"}};
  const VersionStats stats = runtime_->stats(version);
  const std::uint64_t age_ms = (clock_.now().ns - found->second.since.ns) / 1'000'000;
  Json out{{"state", local_state_name(found->second.state)},
           {"since", std::to_string(clock_.wall().value - age_ms)},
           {"calls", std::to_string(stats.calls)},
           {"errors", std::to_string(stats.errors)},
           {"gas", std::to_string(stats.gas)}};
  if (!found->second.error.empty()) out["error"] = found->second.error;
  if (found->second.state == LocalState::kError) {
    const Instant now = clock_.now();
    const Instant retry_at = found->second.retry_at;
    out["fault"] = fault_name(found->second.fault);
    if (!found->second.failed_for_good)
      out["retry_in_ms"] = std::to_string(retry_at <= now ? 0 : (retry_at.ns - now.ns) / 1'000'000);
  }
  return out;
}

Result<VersionId> Node::version_named(const std::string& name, const std::optional<std::string>& ref) const {
  const Json versions = TRY(ledger_->view([&](const views::Moment& m) { return views::versions(m, name); }));
  for (const Json& version : versions) {
    const bool match = !ref || version["commit"].get<std::string>().starts_with(*ref);
    if (match) return VersionId::parse(version["version"].get<std::string>());
  }
  return fail(Fault::kNotFound, name + " has no version" + (ref ? " " + *ref : " yet"));
}

Result<Json> Node::status_json(std::optional<std::string> name) const {
  Json out = Json::array();
  for (const Json& service : TRY(ledger_->view([](const views::Moment& m) { return views::services(m); }))) {
    const std::string service_name = service["name"].get<std::string>();
    if (name && *name != service_name) continue;
    const Json details = TRY(ledger_->view([&](const views::Moment& m) { return views::service(m, service_name); }));
    for (const Json& version : details["versions"]) {
      const VersionId id = TRY(VersionId::parse(version["version"].get<std::string>()));
      Json local = local_json(id);
      const std::string subdir = details["subdir"].get<std::string>();
      out.push_back({{"name", service_name},
                     {"version", version["version"]},
                     {"commit", version["commit"]},
                     {"source", details["repo_url"].get<std::string>() + (subdir.empty() ? "" : "/" + subdir)},
                     {"state", version["state"]},
                     {"updated", local.contains("since") ? local["since"] : Json("")},
                     {"local", std::move(local)}});
      for (const char* field : {"wasm_sha256", "reason", "hint"}) {
        if (version.contains(field)) out.back()[field] = version[field];
      }
    }
  }
  if (name && out.empty())
    return fail(Fault::kNotFound, "there is no service named " + *name, "list them with: micro services");
  return out;
}

void Node::add_service_methods() {
  methods_.add_slow("source.resolve", [this](RpcParams& p, RpcDone done) {
    const auto source = p.text("source");
    if (!source) return done(std::unexpected(source.error()));
    runtime_->resolve(*source, [done = std::move(done)](const Result<PreparedSource>& prepared) {
      if (!prepared) return done(std::unexpected(prepared.error()));
      done(resolved_json(*prepared));
    });
  });
  methods_.add("svc.list", [this](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    return ledger_->view([](const views::Moment& m) { return views::services(m); });
  });
  methods_.add("svc.describe", [this](RpcParams& p) -> Result<Json> {
    const std::string name = TRY(p.text("name"));
    TRY(p.finish());
    Json out = TRY(ledger_->view([&](const views::Moment& m) { return views::service(m, name); }));
    out["url"] = "http://" + name + ".localhost:" + std::to_string(http_port_);
    for (Json& version : out["versions"]) {
      version["local"] = local_json(TRY(VersionId::parse(version["version"].get<std::string>())));
    }
    return out;
  });
  methods_.add("svc.versions", [this](RpcParams& p) -> Result<Json> {
    const std::string name = TRY(p.text("name"));
    TRY(p.finish());
    Json out = TRY(ledger_->view([&](const views::Moment& m) { return views::versions(m, name); }));
    for (Json& version : out)
      version["local"] = local_json(TRY(VersionId::parse(version["version"].get<std::string>())));
    return out;
  });
  methods_.add("svc.status", [this](RpcParams& p) -> Result<Json> {
    const auto name = p.optional_text("name");
    TRY(p.finish());
    return status_json(name);
  });
  methods_.add("svc.retry", [this](RpcParams& p) -> Result<Json> {
    const VersionId version = TRY(version_named(TRY(p.text("name")), p.optional_text("ref")));
    TRY(p.finish());
    return Json{{"retried", runtime_->retry(version)}};
  });
  methods_.add("svc.logs", [this](RpcParams& p) -> Result<Json> {
    const VersionId version = TRY(version_named(TRY(p.text("name")), p.optional_text("ref")));
    const std::uint64_t after = p.u64_or("after", 0);
    const std::uint64_t n = std::min(p.u64_or("n", kDefaultLogLines), kMaxLogLines);
    TRY(p.finish());
    Json items = Json::array();
    std::uint64_t cursor = after;
    for (const LogLine& line : logs_.read(version, after, n)) {
      cursor = line.cursor;
      items.push_back(line_json(line));
    }
    return Json{{"items", std::move(items)}, {"cursor", std::to_string(cursor)}};
  });
  methods_.add("place.history", [this](RpcParams& p) -> Result<Json> {
    const std::string name = TRY(p.text("name"));
    TRY(p.finish());
    return ledger_->view([&](const views::Moment& m) { return views::placements(m, name); });
  });
}

namespace {

/// Sends new lines to one reader until it goes.
struct Follower : std::enable_shared_from_this<Follower> {
  Follower(boost::asio::io_context& io, const LogBook& book, const VersionId& id, std::uint64_t from,
           std::shared_ptr<HttpStream> to)
      : timer(io), logs(book), version(id), after(from), stream(std::move(to)) {}

  void step() {
    for (const LogLine& line : logs.read(version, after, kMaxLogLines)) {
      after = line.cursor;
      stream->write(json_text(line_json(line)) + "\n");
    }
    if (!stream->is_open()) return;
    timer.expires_after(std::chrono::milliseconds(kFollowPollMs));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->step();
    });
  }

  boost::asio::steady_timer timer;
  const LogBook& logs;
  VersionId version;
  std::uint64_t after;
  std::shared_ptr<HttpStream> stream;
};

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  std::size_t at = 0;
  while (at < query.size()) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    const std::string_view pair = query.substr(at, end - at);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) return std::string(pair.substr(equals + 1));
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace

void Node::follow_logs(const HttpRequest& request, HttpResponder responder) {
  const auto name = query_value(request.query(), "name");
  const auto version = name ? version_named(*name, query_value(request.query(), "ref"))
                            : Result<VersionId>(fail(Fault::kInvalid, "a name is needed"));
  if (!version) return std::move(responder).send(problem(404, "no such log", version.error().message));
  std::uint64_t after = 0;
  if (const auto text = query_value(request.query(), "after")) after = std::strtoull(text->c_str(), nullptr, 10);
  auto stream = std::move(responder).stream({200, "application/x-ndjson", {}, {}});
  // It lives as long as its timer: until the reader goes or the node stops.
  std::make_shared<Follower>(io_, logs_, *version, after, std::move(stream))->step();
}

}  // namespace micro

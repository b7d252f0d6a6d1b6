#include "services/scheduler/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace micro {

using namespace scheduler;

std::string_view local_state_name(LocalState state) {
  switch (state) {
    case LocalState::kWaiting:
      return "waiting";
    case LocalState::kBuilding:
      return "building";
    case LocalState::kBuilt:
      return "built";
    case LocalState::kCompiling:
      return "compiling";
    case LocalState::kRunning:
      return "running";
    case LocalState::kDraining:
      return "draining";
    case LocalState::kError:
      return "error";
  }
  return "";
}

bool is_of_source(Fault fault) {
  return fault == Fault::kInvalid || fault == Fault::kLimit || fault == Fault::kRefused;
}

std::vector<Effect> Scheduler::on(const Event& event, Instant now) {
  effects_.clear();
  if (const auto* e = std::get_if<Wanted>(&event)) take_wanted(*e, now);
  if (const auto* e = std::get_if<BuildEnded>(&event)) take_build(*e, now);
  if (const auto* e = std::get_if<AttestEnded>(&event)) take_attest(*e, now);
  if (const auto* e = std::get_if<CompileEnded>(&event)) take_compile(*e, now);
  if (const auto* e = std::get_if<Retry>(&event)) {
    if (LocalVersion* v = find(e->version)) take_retry(*v, now);
  }
  if (const auto* e = std::get_if<CallEnded>(&event)) take_call(*e, now);
  if (!std::holds_alternative<CallEnded>(event)) {
    for (auto& [id, version] : versions_) advance(version, now);
  }
  return std::exchange(effects_, {});
}

bool Scheduler::accepts(const VersionId& version, Instant now) const {
  const auto it = versions_.find(version);
  return it != versions_.end() && it->second.serving && it->second.closed_until <= now;
}

LocalVersion* Scheduler::find(const VersionId& version) {
  const auto it = versions_.find(version);
  return it == versions_.end() ? nullptr : &it->second;
}

void Scheduler::set_state(LocalVersion& v, LocalState state, Instant now) {
  if (v.state == state) return;
  v.state = state;
  v.since = now;
  if (state != LocalState::kError) v.error.clear();
}

void Scheduler::take_wanted(const Wanted& wanted, Instant now) {
  std::map<VersionId, const WantedVersion*> listed;
  for (const WantedVersion& version : wanted.versions) listed.emplace(version.version, &version);
  for (auto it = versions_.begin(); it != versions_.end();) {
    const auto found = listed.find(it->first);
    if (found == listed.end() && !it->second.busy) {
      if (it->second.serving) effects_.push_back(Stop{it->first});
      it = versions_.erase(it);
      continue;
    }
    if (found == listed.end()) {
      it->second.wanted.serve = false;
      it->second.wanted.draining = false;
      it->second.wanted.attest = false;
    } else {
      it->second.wanted = *found->second;
    }
    ++it;
  }
  for (const auto& [id, version] : listed) {
    auto [it, fresh] = versions_.try_emplace(id);
    if (!fresh) continue;
    it->second.wanted = *version;
    it->second.since = now;
  }
}

void Scheduler::take_build(const BuildEnded& e, Instant now) {
  --jobs_;
  LocalVersion* v = find(e.version);
  if (v == nullptr) return;
  v->busy = false;
  if (std::exchange(v->foreign_build, false)) --foreign_builds_;
  if (!e.module) return fail_job(*v, e.error, e.fault, now);
  v->built = e.module;
  v->retry_ms = kRetryFirstMs;
  set_state(*v, LocalState::kBuilt, now);
  // The same source builds, so what failed under another name can too.
  for (auto& [id, other] : versions_) {
    const bool same = other.wanted.commit == v->wanted.commit && other.wanted.subdir == v->wanted.subdir;
    if (same && !other.built) take_retry(other, now);
  }
}

void Scheduler::take_attest(const AttestEnded& e, Instant now) {
  --jobs_;
  LocalVersion* v = find(e.version);
  if (v == nullptr) return;
  v->busy = false;
  if (!e.ok) return fail_job(*v, e.error, Fault::kIo, now);
  v->attested = true;
  v->retry_ms = kRetryFirstMs;
}

void Scheduler::take_compile(const CompileEnded& e, Instant now) {
  --jobs_;
  LocalVersion* v = find(e.version);
  if (v == nullptr) return;
  v->busy = false;
  if (!e.ok) {
    v->built.reset();  // the module may be gone from the cache: the next attempt takes it from there or builds it anew
    return fail_job(*v, e.error, e.fault, now);
  }
  v->retry_ms = kRetryFirstMs;
  if (!v->wanted.serve || !v->wanted.module) return set_state(*v, LocalState::kBuilt, now);
  v->serving = true;
  effects_.push_back(Serve{e.version, v->wanted.service, *v->wanted.module});
  set_state(*v, LocalState::kRunning, now);
}

void Scheduler::take_call(const CallEnded& e, Instant now) {
  LocalVersion* v = find(e.version);
  if (v == nullptr) return;
  if (!e.died) {
    v->deaths.clear();
    v->close_ms = kRetryFirstMs;
    if (v->serving) v->error.clear();
    return;
  }
  std::erase_if(v->deaths, [&](Instant at) { return at.plus_ms(kVersionWindowMs) < now; });
  v->deaths.push_back(now);
  if (v->deaths.size() < kVersionDeaths) return;
  v->deaths.clear();
  v->closed_until = now.plus_ms(v->close_ms);
  v->close_ms = std::min(v->close_ms * 2, kRetryMostMs);
  v->error = "every call fails: it is left alone for a while";
}

void Scheduler::take_retry(LocalVersion& v, Instant now) {
  if (v.state != LocalState::kError || v.busy) return;
  v.failed_for_good = false;
  v.built.reset();  // the toolchain may be another by now; an unchanged one has its module in the cache
  v.retry_ms = kRetryFirstMs;
  set_state(v, LocalState::kWaiting, now);
}

void Scheduler::begin_job(LocalVersion& v, Instant now) {
  v.busy = true;
  v.begun = now;
  ++jobs_;
}

void Scheduler::fail_job(LocalVersion& v, std::string error, Fault fault, Instant now) {
  set_state(v, LocalState::kError, now);
  v.error = std::move(error);
  v.fault = fault;
  v.failed_for_good = is_of_source(fault);
  const std::uint64_t took_ms = (now.ns - v.begun.ns) / 1'000'000;
  const std::uint64_t pause_ms = std::min(std::max(v.retry_ms, took_ms), kRetryLongestMs);
  const std::uint64_t most_ms = std::clamp(took_ms * kRetryMostTimes, kRetryMostMs, kRetryLongestMs);
  v.retry_at = now.plus_ms(pause_ms);
  v.retry_ms = std::min(pause_ms * 2, most_ms);
}

void Scheduler::advance(LocalVersion& v, Instant now) {
  const bool wanted_here = v.wanted.serve && v.wanted.module.has_value();
  if (v.serving && !v.wanted.serve) {
    v.serving = false;
    effects_.push_back(Stop{v.wanted.version});
    set_state(v, LocalState::kWaiting, now);
  }
  if (v.serving) set_state(v, v.wanted.draining ? LocalState::kDraining : LocalState::kRunning, now);
  if (v.busy || v.failed_for_good || jobs_ >= kMaxJobsAtOnce) return;
  if (v.state == LocalState::kError && now < v.retry_at) return;
  const bool needs_module = (v.wanted.attest && !v.attested) || wanted_here;
  if (needs_module && !v.built) {
    if (!wanted_here && foreign_builds_ >= kMaxForeignBuildsAtOnce) return;
    begin_job(v, now);
    v.foreign_build = !wanted_here;
    if (v.foreign_build) ++foreign_builds_;
    effects_.push_back(Build{v.wanted, v.foreign_build});
    set_state(v, LocalState::kBuilding, now);
  } else if (v.wanted.attest && !v.attested) {
    begin_job(v, now);
    effects_.push_back(Attest{v.wanted.version});
  } else if (wanted_here && !v.serving) {
    if (v.built != v.wanted.module) {
      // Builders agreed on another module than this machine makes: serving ours would be serving something else.
      set_state(v, LocalState::kError, now);
      v.error = "this machine builds another module than the network agreed on; its toolchain differs";
      v.fault = Fault::kMismatch;
      v.failed_for_good = true;
      return;
    }
    begin_job(v, now);
    effects_.push_back(Compile{v.wanted.version, *v.wanted.module});
    set_state(v, LocalState::kCompiling, now);
  }
}

}  // namespace micro

#include "services/directory/wanted.hpp"

#include "chain/registry/resolve.hpp"

namespace micro {
namespace {

Result<bool> has_active_offer(const StateView& state, const NodeId& self) {
  const auto node = TRY(read_record<NodeRecord>(state, path::node(self)));
  if (!node || !node->offer) return false;
  const auto offer = TRY(read_record<OfferRecord>(state, path::offer(*node->offer)));
  return offer && offer->state == OfferState::kActive;
}

/// Sets `serve` and `draining`.
Status add_placement(const StateView& state, WantedVersion& wanted, const NodeId& self, Epoch epoch) {
  const auto record = TRY(read_record<PlacementRecord>(state, path::placement(wanted.version)));
  if (!record) return {};
  bool in_force = false;
  for (const Placement& host : record->hosts) {
    if (host.node != self || (host.end.value != 0 && host.end <= epoch)) continue;
    wanted.serve = true;
    in_force = in_force || host.end.value == 0;
  }
  wanted.draining = wanted.serve && !in_force;
  return {};
}

Result<bool> has_attested(const StateView& state, const VersionId& version, const NodeId& self) {
  const auto build = TRY(read_record<BuildRecord>(state, path::build(version)));
  if (!build) return false;
  for (const Attestation& attestation : build->attestations) {
    if (attestation.node == self) return true;
  }
  return false;
}

Status add_versions(const StateView& state, const ServiceRecord& service, Epoch epoch, const NodeId& self, bool builds,
                    std::vector<WantedVersion>& out) {
  for (const VersionRecord& v : TRY(versions_of(state, service))) {
    const auto status = TRY(read_record<StatusRecord>(state, path::status(v.version)));
    const bool announced = !status || status->state == VersionState::kAnnounced;
    WantedVersion wanted;
    wanted.version = v.version;
    wanted.service = service.service;
    wanted.commit = v.commit;
    wanted.repo_url = service.repo_url;
    wanted.subdir = service.subdir;
    wanted.memory_mib = v.memory_mib;
    TRY(add_placement(state, wanted, self, epoch));
    wanted.attest = builds && announced && !TRY(has_attested(state, v.version, self));
    if (status && !status->wasm_hash.is_zero()) wanted.module = status->wasm_hash;
    if (wanted.serve || wanted.attest) out.push_back(std::move(wanted));
  }
  return {};
}

}  // namespace

Result<std::vector<WantedVersion>> wanted_here(const StateView& state, Epoch epoch, const NodeId& self) {
  const bool builds = TRY(has_active_offer(state, self));
  std::vector<WantedVersion> out;
  Status status;
  state.scan(Module::kServices, [&](const StatePath&, ByteView bytes) {
    const auto record = decode<ServiceRecord>(bytes);
    status = record ? add_versions(state, *record, epoch, self, builds, out)
                    : fail(Fault::kCorrupt, "service record: " + record.error().message);
    return status.has_value();
  });
  TRY(status);
  return out;
}

}  // namespace micro

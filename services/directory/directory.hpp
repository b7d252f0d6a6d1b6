// Who serves what, by name, as the finalized ledger says: the answer to every incoming call, so a look-up costs one
// hash. The directory is changed by the events of a block and reads only the records that they name.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "chain/records/records.hpp"
#include "chain/types/event.hpp"

namespace micro {

struct HostRef {
  NodeId node;
  bool local = false;
  Epoch end;  ///< first epoch without it, when it drains; 0 while in force
};

/// A version that some host serves, or the newest active one.
struct ServedVersion {
  VersionId version;
  CommitId commit;
  VersionState state = VersionState::kAnnounced;
  CodeHash module;
  std::uint32_t memory_mib = 0;
  std::vector<HostRef> hosts;
  /// Placed on this node now.
  [[nodiscard]] const HostRef* local_host() const;
};

struct ServiceEntry {
  ServiceId service;
  std::string name;
  Address owner;
  Amount price;
  std::uint32_t host_share_ppm = 0;
  std::vector<ServedVersion> versions;  ///< newest first; of those without hosts only the newest
};

/// A name and a version that answers it.
struct Route {
  const ServiceEntry* service = nullptr;
  const ServedVersion* version = nullptr;
};

class Directory {
 public:
  explicit Directory(NodeId self) : self_(self) {}

  /// From scratch: every service of the state.
  Status load(const StateView& view, Epoch now);
  /// After a block: `view` is the state behind it.
  Status apply(const StateView& view, std::span<const Event> events, Epoch now);

  [[nodiscard]] const ServiceEntry* find(std::string_view name) const;
  [[nodiscard]] const ServiceEntry* find(const ServiceId& service) const;
  /// Without a commit: the newest active version that is placed, otherwise the newest. With one (a prefix of its hex
  /// digits, at least 7): that one. kNotFound says what is missing, kInvalid an ambiguous prefix. Good until the next
  /// apply.
  [[nodiscard]] Result<Route> route(std::string_view name, std::string_view commit = {}) const;
  [[nodiscard]] std::size_t size() const { return services_.size(); }
  /// In order of names.
  [[nodiscard]] std::vector<const ServiceEntry*> all() const;

 private:
  Status refresh(const StateView& view, const ServiceId& service, Epoch now);
  Result<ServiceEntry> read_entry(const StateView& view, const ServiceRecord& record, Epoch now);
  void drop_ended(Epoch now);

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  NodeId self_;
  std::unordered_map<ServiceId, ServiceEntry> services_;
  std::unordered_map<std::string, ServiceId, TextHash, std::equal_to<>> names_;
  std::multimap<Epoch, ServiceId> ends_;  // services of which a host goes at that epoch
};

inline constexpr std::size_t kMinCommitPrefixDigits = 7;

}  // namespace micro

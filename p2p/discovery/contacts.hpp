// The nodes that Kademlia speaks of, by small numbers: tables and lookups hold four bytes a node, so that the same code
// runs in a simulator with a million of them. Who a number stands for is behind a port.
#pragma once

#include <map>
#include <vector>

#include "p2p/discovery/kad_key.hpp"
#include "p2p/discovery/peer_info.hpp"
#include "p2p/peers/address_group.hpp"

namespace micro::p2p {

using ContactId = std::uint32_t;

/// Where a contact is, as far as it limits how many of a kind are kept.
struct Place {
  bool is_limited = false;  ///< false: a name, or an address of this machine or site
  AddressGroup group = {};
  IpAddress subnet = {};
  static Place of(const Multiaddr& address);
};

class Contacts {
 public:
  virtual ~Contacts() = default;
  [[nodiscard]] virtual const KadKey& key(ContactId contact) const = 0;
  [[nodiscard]] virtual const Place& place(ContactId contact) const = 0;
};

inline constexpr std::size_t kMaxContacts = 32'768;  ///< more than tables, searches and records can hold

/// How a peer's addresses are known.
enum class Heard : std::uint8_t {
  kFromOthers,  ///< anybody may have made them up
  kFromItself,  ///< over a channel that proved who it is
};

/// The contacts of a real node. Numbers are used again after `keep_only`.
class PeerContacts final : public Contacts {
 public:
  /// The number of a peer, new or known. What others say never changes the addresses that it gave itself, and what one
  /// of them says does not drive out what another said. Nothing for a peer without addresses that is not known, and
  /// where there is no room.
  std::optional<ContactId> add(const PeerInfo& info, Heard heard);
  /// Its connection ends there: from now on this is its place, whatever anybody says, itself included.
  void set_seen_at(ContactId contact, const Multiaddr& at);
  [[nodiscard]] std::optional<ContactId> find(const PeerId& peer) const;
  [[nodiscard]] const PeerInfo& info(ContactId contact) const { return nodes_.at(contact).info; }
  [[nodiscard]] const KadKey& key(ContactId contact) const override { return nodes_.at(contact).key; }
  [[nodiscard]] const Place& place(ContactId contact) const override { return nodes_.at(contact).place; }
  /// Forgets all others.
  void keep_only(std::vector<ContactId> held);
  [[nodiscard]] bool is_full() const { return numbers_.size() >= kMaxContacts; }
  [[nodiscard]] std::size_t size() const { return numbers_.size(); }

 private:
  struct Node {
    PeerInfo info;
    KadKey key;
    Place place;
    Heard heard = Heard::kFromOthers;
    bool is_seen = false;  // there, and not only said to be
  };
  std::vector<Node> nodes_;
  std::vector<ContactId> free_;
  std::map<PeerId, ContactId> numbers_;
};

}  // namespace micro::p2p

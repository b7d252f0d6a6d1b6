// Peers tell each other addresses: asked for, answered from one sample that everybody gets for a day, and believed at
// a tenth of an address a second. So that nobody learns the whole book or fills it.
#pragma once

#include <map>

#include "chain/codec/codec.hpp"
#include "p2p/discovery/address_book.hpp"
#include "p2p/peers/token_bucket.hpp"

namespace micro::p2p {

inline constexpr std::string_view kExchangeProtocol = "/micro/peers/1.0.0";
inline constexpr std::size_t kMaxExchanged = 256;   ///< addresses in an answer
inline constexpr std::size_t kLeastExchanged = 16;  ///< of a small book
inline constexpr unsigned kDisclosedPercent = 23;   ///< of the book
inline constexpr std::uint64_t kSampleMs = 24 * 3'600'000ULL;
inline constexpr std::uint64_t kAnswerMs = 600'000;  ///< between two answers to one peer
inline constexpr Rate kBelievedPer10s{1, 1'000};     ///< addresses of one peer; the unit of time is ten seconds
inline constexpr std::size_t kMaxExchangingPeers = 1'024;
inline constexpr std::size_t kMaxExchangeBytes = kMaxExchanged * (kMaxPeerIdBytes + 128) + 16;

struct ExchangedAddress {
  Blob<kMaxPeerIdBytes> peer;
  Blob<128> address;
  static constexpr auto kFields = fields<&ExchangedAddress::peer, &ExchangedAddress::address>;
  bool operator==(const ExchangedAddress&) const = default;
};
struct AddressList {
  List<ExchangedAddress, kMaxExchanged> addresses;
  static constexpr auto kFields = fields<&AddressList::addresses>;
  bool operator==(const AddressList&) const = default;
};

class PeerExchange {
 public:
  /// The book outlives it.
  explicit PeerExchange(AddressBook& book) : book_(book) {}

  /// What this peer is told. kBusy where it asked not long ago.
  Result<Bytes> answer(const PeerId& asker, Instant now);
  /// What a peer at `from` said; how many of them are news. kInvalid for what no peer sends.
  Result<std::size_t> learn(const PeerId& teller, const Multiaddr& from, ByteView message, Instant now);
  [[nodiscard]] std::size_t peers() const { return peers_.size(); }

 private:
  struct Peer {
    TokenBucket believed{kBelievedPer10s};
    std::optional<Instant> answered = {};
    Instant seen;
  };
  Peer& peer(const PeerId& id, Instant now);

  AddressBook& book_;
  std::map<PeerId, Peer> peers_;
  Bytes sample_;
  std::optional<Instant> sampled_;
  std::size_t sampled_size_ = 0;  // of the book at that time
};

}  // namespace micro::p2p

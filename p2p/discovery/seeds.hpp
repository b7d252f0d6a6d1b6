// Where a node begins that knows nobody: addresses in the operator's configuration, and names whose TXT records hold
// addresses (dnsaddr of libp2p's specs: `_dnsaddr.example.com TXT "dnsaddr=/ip4/…/tcp/…/p2p/…"`). Records may name
// further names; how many are followed is bounded. Asking a name server is behind a port.
#pragma once

#include <deque>
#include <set>

#include "p2p/peers/manager.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxSeedNames = 32;  ///< asked for in one search
inline constexpr unsigned kMaxSeedDepth = 3;      ///< of names in records of names
inline constexpr std::size_t kMaxSeedAddresses = 256;
inline constexpr std::size_t kMaxTxtRecords = 128;  ///< looked at for one name

/// "/ip4/…/tcp/…/p2p/…": a peer and where it is. kInvalid without either.
Result<PeerAddress> parse_peer_address(std::string_view text);

/// A search over names for seeds.
class SeedSearch {
 public:
  /// `names` as "/dnsaddr/example.com" or "example.com". Those that are no names are left out.
  explicit SeedSearch(const std::vector<std::string>& names);

  /// The next name to ask TXT records for, with "_dnsaddr." in front; each is followed by `on_texts`.
  std::optional<std::string> next();
  /// What was found for it; nothing where the question failed.
  void on_texts(const std::string& name, const std::vector<std::string>& texts);
  /// All that were found, each once, and under which name: the teller that the book sees.
  struct Found {
    PeerAddress at;
    Multiaddr teller;
  };
  [[nodiscard]] const std::vector<Found>& found() const { return found_; }

 private:
  struct Question {
    std::string name;
    unsigned depth = 0;
    std::optional<PeerId> peer = {};  // only addresses of this one are of interest
    Multiaddr teller = {};            // the operator's name at its beginning
  };
  void ask(Question question);
  void take(const Question& question, std::string_view text);

  std::deque<Question> waiting_;
  std::map<std::string, Question> asked_;
  std::vector<Found> found_;
  std::set<PeerAddress> known_;
};

}  // namespace micro::p2p

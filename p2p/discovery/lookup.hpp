// One search for the nodes nearest to a key: asks the nearest that it knows for nearer ones until the k nearest have
// answered. Those who do not answer are passed over; what it holds and how many it asks are bounded, whatever liars
// say.
#pragma once

#include <span>

#include "chain/base/check.hpp"
#include "p2p/discovery/contacts.hpp"

namespace micro::p2p {

struct LookupLimits {
  std::size_t nearest = 20;      ///< k: so many are found, and so many of an answer are looked at
  std::size_t at_once = 10;      ///< alpha: questions under way
  std::size_t asked = 200;       ///< in all
  std::size_t candidates = 256;  ///< held; more than are asked, so that there is always room for a nearer one
};

class Lookup {
 public:
  /// `contacts` outlives it.
  Lookup(const Contacts& contacts, const KadKey& target, LookupLimits limits)
      : contacts_(contacts), target_(target), limits_(limits) {
    CHECK(limits.candidates > limits.asked, "room for more than is asked");
  }

  /// Whom to begin with.
  void add(std::span<const ContactId> candidates) { add(candidates, 0); }
  /// Whom to ask now; each is answered by one of the next three.
  std::vector<ContactId> next();
  /// It named these.
  void answered(ContactId contact, std::span<const ContactId> closer);
  void failed(ContactId contact);
  /// It may still answer, but others are asked in the meantime, and nobody waits for it once enough of them have
  /// answered: one silent node among the nearest must not hold a search up until it counts as failed.
  void slow(ContactId contact);

  /// The nearest that it found have all answered, but for slow ones, or nobody is left to ask.
  [[nodiscard]] bool is_done() const;
  /// The nearest that answered, nearest first.
  [[nodiscard]] std::vector<ContactId> closest() const;
  [[nodiscard]] const KadKey& target() const { return target_; }
  [[nodiscard]] std::size_t asked() const { return asked_; }
  /// How many steps away the farthest of those was that are in `closest`.
  [[nodiscard]] unsigned hops() const;
  /// Every number that is in use.
  void list_held(std::vector<ContactId>& out) const;

 private:
  enum class State : std::uint8_t { kHeard, kAsked, kSlow, kAnswered, kFailed };
  struct Candidate {
    std::uint64_t distance = 0;  // its first word, which nearly always decides
    ContactId contact = 0;
    State state = State::kHeard;
    std::uint8_t hops = 0;
  };
  void add(std::span<const ContactId> candidates, std::uint8_t hops);
  [[nodiscard]] bool is_before(const Candidate& one, const Candidate& other) const;
  Candidate* find(ContactId contact);

  const Contacts& contacts_;
  KadKey target_;
  LookupLimits limits_;
  std::vector<Candidate> candidates_;  // nearest first
  std::size_t asked_ = 0;
};

}  // namespace micro::p2p

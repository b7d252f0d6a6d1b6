#include "p2p/discovery/lookup.hpp"

#include <algorithm>

namespace micro::p2p {

bool Lookup::is_before(const Candidate& one, const Candidate& other) const {
  if (one.distance != other.distance) return one.distance < other.distance;
  return is_nearer(target_, contacts_.key(one.contact), contacts_.key(other.contact));
}

void Lookup::add(std::span<const ContactId> candidates, std::uint8_t hops) {
  for (const ContactId contact : candidates) {
    if (find(contact) != nullptr) continue;
    const std::uint64_t distance = kad_detail::word(contacts_.key(contact), 0) ^ kad_detail::word(target_, 0);
    const Candidate one{.distance = distance, .contact = contact, .state = State::kHeard, .hops = hops};
    const auto at =
        std::ranges::partition_point(candidates_, [&](const Candidate& known) { return is_before(known, one); });
    if (candidates_.size() >= limits_.candidates) {
      // The farthest that was not asked makes room; who was asked stays, so that nobody is asked twice.
      auto last = candidates_.end();
      while (last != at && std::prev(last)->state != State::kHeard) --last;
      if (last == at) continue;
      std::move_backward(at, std::prev(last), last);
      *at = one;
      continue;
    }
    candidates_.insert(at, one);
  }
}

Lookup::Candidate* Lookup::find(ContactId contact) {
  const auto at = std::ranges::find(candidates_, contact, &Candidate::contact);
  return at == candidates_.end() ? nullptr : &*at;
}

std::vector<ContactId> Lookup::next() {
  std::vector<ContactId> out;
  std::size_t under_way = 0;
  for (const Candidate& each : candidates_) under_way += each.state == State::kAsked ? 1 : 0;
  std::size_t alive = 0;
  for (Candidate& each : candidates_) {
    if (alive == limits_.nearest || under_way >= limits_.at_once || asked_ >= limits_.asked) break;
    if (each.state == State::kFailed) continue;
    if (each.state != State::kSlow) ++alive;
    if (each.state != State::kHeard) continue;
    each.state = State::kAsked;
    ++asked_;
    ++under_way;
    out.push_back(each.contact);
  }
  return out;
}

void Lookup::answered(ContactId contact, std::span<const ContactId> closer) {
  Candidate* const one = find(contact);
  if (one == nullptr || (one->state != State::kAsked && one->state != State::kSlow)) return;
  one->state = State::kAnswered;
  const auto hops = static_cast<std::uint8_t>(std::min(one->hops + 1, 255));
  add(closer.first(std::min(closer.size(), limits_.nearest)), hops);
}

void Lookup::failed(ContactId contact) {
  Candidate* const one = find(contact);
  if (one != nullptr && (one->state == State::kAsked || one->state == State::kSlow)) one->state = State::kFailed;
}

void Lookup::slow(ContactId contact) {
  Candidate* const one = find(contact);
  if (one != nullptr && one->state == State::kAsked) one->state = State::kSlow;
}

bool Lookup::is_done() const {
  std::size_t answered = 0;
  bool waits = false;
  for (const Candidate& each : candidates_) {
    if (answered == limits_.nearest) return true;
    if (each.state == State::kAnswered) ++answered;
    if (each.state == State::kAsked) return false;
    if (each.state == State::kHeard && asked_ < limits_.asked) return false;
    waits = waits || each.state == State::kSlow;
  }
  return answered >= limits_.nearest || !waits;
}

std::vector<ContactId> Lookup::closest() const {
  std::vector<ContactId> out;
  for (const Candidate& each : candidates_) {
    if (out.size() == limits_.nearest) break;
    if (each.state == State::kAnswered) out.push_back(each.contact);
  }
  return out;
}

unsigned Lookup::hops() const {
  unsigned most = 0;
  std::size_t answered = 0;
  for (const Candidate& each : candidates_) {
    if (each.state != State::kAnswered) continue;
    if (++answered > limits_.nearest) break;
    most = std::max<unsigned>(most, each.hops + 1U);
  }
  return most;
}

void Lookup::list_held(std::vector<ContactId>& out) const {
  for (const Candidate& each : candidates_) out.push_back(each.contact);
}

}  // namespace micro::p2p

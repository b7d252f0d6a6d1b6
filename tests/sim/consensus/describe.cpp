#include "tests/sim/consensus/describe.hpp"

namespace micro::test {

using namespace simplex;  // NOLINT

std::string describe(const Statement& s) {
  static constexpr const char* kNames[] = {"notarize", "nullify", "finalize"};
  std::string out = kNames[static_cast<std::size_t>(s.kind)];
  out += " v" + s.view.text();
  if (s.kind != StatementKind::kNullify) out += " on v" + s.parent_view.text() + " " + s.block.brief();
  return out;
}

std::string describe(const Record& record) {
  if (const auto* in = std::get_if<Entered>(&record)) return "entered v" + in->view.text();
  if (const auto* own = std::get_if<OwnVote>(&record)) return "own " + describe(own->vote.statement);
  if (const auto* held = std::get_if<Held>(&record)) return "held [" + describe(held->certificate.statement) + "]";
  if (const auto* body = std::get_if<Body>(&record)) return "body " + block_id(body->block.header).brief();
  if (const auto* bad = std::get_if<Rejected>(&record)) return "rejected " + bad->block.brief();
  if (const auto* floor = std::get_if<Floor>(&record)) return "floor v" + floor->view.text();
  const auto& accepted = std::get<Accepted>(record);
  return "accepted " + describe(accepted.vote.statement) + (accepted.block ? " with its body" : "");
}

std::string describe(const Message& message) {
  std::string out = "e" + message.epoch.text() + " ";
  if (const auto* p = std::get_if<Proposal>(&message.body)) {
    return out + "proposal of " + std::to_string(p->vote.signer) + " " + describe(p->vote.statement) +
           (p->block ? " with height " + p->block->header.height.text() : "") +
           (p->block && p->block->header.boundary ? " boundary" : "");
  }
  if (const auto* votes = std::get_if<Votes>(&message.body)) {
    for (const Vote& v : votes->votes) out += std::to_string(v.signer) + ":" + describe(v.statement) + "; ";
  } else if (const auto* held = std::get_if<Certificates>(&message.body)) {
    for (const Certificate& c : held->certificates) out += "[" + describe(c.statement) + "] ";
  } else if (const auto* ask = std::get_if<Ask>(&message.body)) {
    out += "ask " + std::to_string(static_cast<int>(ask->kind)) + " v" + ask->from.text() + "-" + ask->to.text() + " " +
           ask->block.brief() + " above " + ask->above.text();
  } else if (const auto* blocks = std::get_if<Blocks>(&message.body)) {
    out += "blocks " + std::to_string(blocks->blocks.size());
  }
  return out;
}

}  // namespace micro::test

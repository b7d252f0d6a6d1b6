// Everything around a gateway, in memory: the payer's books as its disk keeps them, a naive host, a ledger and a
// network. What an effect brings about is noted in the order of the effects; what it says comes back when the test lets
// it, in any order. The rules that no order may break are asserted where they would be broken.
#pragma once

#include <rapidcheck.h>

#include <deque>

#include "chain/base/random.hpp"
#include "services/gateway/gateway.hpp"
#include "tests/gen/model_host.hpp"

namespace micro::test {

enum class HostState : std::uint8_t { kUp, kDown, kFails };
enum class LedgerState : std::uint8_t { kTakes, kRefuses, kNodeRefuses, kSilentAndTakes, kSilentAndForgets };

class GatewayWorld {
 public:
  struct Book {  // of one channel: the wallet's disk, and the host
    PayerChannel channel;
    std::vector<Entry> durable;
    std::vector<Entry> unwritten;
    PayerLane lane;
    ModelHost host;
    bool in_flight = false;  // somebody waits for the pending voucher
  };
  struct Message {
    gateway::CallId id = 0;
    std::uint64_t sending = 0;
    SignedCall call;
  };

  ChainParams params;
  Epoch epoch{10};
  Height height{100};
  HostState host = HostState::kUp;
  LedgerState ledger = LedgerState::kTakes;
  bool session_refused = false;
  Amount deposit_cap{1'000'000'000};
  std::vector<gateway::Event> inbox;  ///< not heard yet
  std::vector<Message> network;       ///< not arrived yet
  std::map<gateway::CallId, Result<gateway::PaidReply>> finished;
  std::map<ChannelId, gateway::LedgerChannel> channels;  ///< as the ledger has them
  std::map<ChannelId, Book> books;
  std::size_t openings_signed = 0;

  GatewayWorld() { start(); }

  /// The gateway begins over what is on disk. Nobody waits for anything that was asked before.
  void start() {
    std::vector<gateway::OpeningNote> notes;
    for (const auto& [id, opening] : openings_) notes.push_back(opening.note);
    machine_.emplace(params, notes);
    inbox.clear();
    for (auto& [id, book] : books) {
      book.unwritten.clear();
      const auto restored = PayerLane::restore(book.channel, 0, book.durable);
      RC_ASSERT(restored.has_value());
      book.lane = *restored;
      book.in_flight = false;
    }
    tip();
  }
  void tip() { hear(gateway::TipAdvanced{epoch, height, terms_.price_per_mgas}); }

  gateway::CallId call(const std::string& body, const std::string& key = {}, Amount max_price = Amount(5'000)) {
    gateway::PaidCall call;
    call.service = service_;
    call.price = terms_.price;
    call.request.record.service = service_;
    call.request.record.method.assign("POST");
    call.request.body = Blob<kMaxRequestBodyBytes>(as_bytes(body));
    call.max_price = max_price;
    call.idempotency_key = key;
    hear(gateway::CallArrived{++calls_, std::move(call)});
    return calls_;
  }

  void hear(gateway::Event event) {
    for (gateway::Effect& effect : machine_->on(std::move(event))) std::visit([this](auto& e) { perform(e); }, effect);
  }
  /// One of the things that were said is heard; `keep` lets an answer from the network be heard again.
  void deliver(std::size_t which, bool keep = false) {
    gateway::Event event = inbox[which];
    if (!keep || !std::holds_alternative<gateway::Answered>(event))
      inbox.erase(inbox.begin() + static_cast<std::ptrdiff_t>(which));
    hear(std::move(event));
  }
  /// A message arrives and is answered; `keep`: it arrives once more later.
  void arrive(std::size_t which, bool keep = false) {
    const Message message = network[which];
    if (!keep) network.erase(network.begin() + static_cast<std::ptrdiff_t>(which));
    payment::Answer answer;
    if (host == HostState::kDown) {
      answer.status = 503;
      answer.problem = "not ready";
    } else {
      answer = answer_of(message);
    }
    inbox.emplace_back(gateway::Answered{message.id, message.sending, std::move(answer)});
  }
  /// All that is under way comes to its end, oldest first.
  void drain() {
    while (!inbox.empty() || !network.empty()) {
      if (!network.empty()) arrive(0);
      if (!inbox.empty()) deliver(0);
    }
  }
  void write() {
    for (auto& [id, book] : books) flush(book);
  }

  [[nodiscard]] gateway::Gateway& machine() { return *machine_; }
  /// How often hosts answered this body.
  [[nodiscard]] int executions(const std::string& body) const {
    int out = 0;
    for (const auto& [id, book] : books) {
      const auto found = book.host.executions().find(to_bytes(body));
      if (found != book.host.executions().end()) out += found->second;
    }
    return out;
  }
  [[nodiscard]] std::size_t openings_on_disk() const { return openings_.size(); }
  /// An opening that was sent in vain comes into a block after all.
  void settle_late_openings() {
    for (auto& [id, opening] : openings_) {
      if (opening.late && opening.note.valid_until >= height) put_on_ledger(id, opening);
      opening.late = false;
    }
  }

 private:
  struct Opening {
    gateway::OpeningNote note;
    OpenChannel open;
    Amount max_call_price;
    bool late = false;
  };

  static ChannelId channel_of(const TxId& id) { return id.as<ChannelId>(); }
  static void flush(Book& book) {
    book.durable.insert(book.durable.end(), book.unwritten.begin(), book.unwritten.end());
    book.unwritten.clear();
  }
  void commit(Book& book, const Entry& entry) {
    flush(book);
    book.durable.push_back(entry);
    RC_ASSERT(book.lane.apply(entry).has_value());
  }
  static gateway::Channel view(const PayerChannel& c) {
    return {c.id, c.receipt_key, c.opening_nonce, c.price, c.max_call_price};
  }
  static gateway::Promise promise_of(const Book& book, const SignedCall& call, bool again) {
    return {view(book.channel),
            {call.voucher, call.signature},
            call.request,
            Bytes(call.body.begin(), call.body.end()),
            again};
  }

  payment::Answer answer_of(const Message& message) {
    Book& book = books.at(message.call.voucher.channel);
    const auto mood = host == HostState::kFails ? HostMood::kFails : HostMood::kHonest;
    const auto response = book.host.receive(message.call, mood);
    payment::Answer answer;
    if (response.reply) {
      answer.status = answer.reply.status = response.reply->status;
      answer.reply.body.assign(response.reply->body.begin(), response.reply->body.end());
      answer.receipt = payment::SignedReceipt{response.reply->receipt.receipt, response.reply->receipt.signature};
      answer.inputs = response.reply->inputs;
    } else {
      answer.status = 402;
      answer.problem = "not the voucher that is next";
      if (response.proof) {
        answer.lane = payment::LaneProof{{response.proof->voucher, response.proof->signature},
                                         {response.proof->receipt.receipt, response.proof->receipt.signature}};
      }
    }
    return answer;
  }

  void put_on_ledger(const TxId& id, const Opening& opening) {
    channels[channel_of(id)] = {true, opening.open.end, opening.open.deposit};
  }

  void perform(gateway::ChooseSession& e) {
    if (session_refused) {
      inbox.emplace_back(gateway::SessionChosen{e.id, fail(Fault::kFunds, "above the cap of one call")});
    } else {
      inbox.emplace_back(gateway::SessionChosen{e.id, gateway::Session{session_, Amount(50'000), deposit_cap}});
    }
  }
  void perform(gateway::FindLane& e) { inbox.emplace_back(gateway::LaneFound{e.id, look_for(e)}); }
  Result<gateway::Found> look_for(const gateway::FindLane& e) {
    gateway::Found out;
    for (auto& [id, book] : books) {
      if (e.idempotency_key.empty()) break;
      if (book.lane.pending() && book.lane.pending()->idempotency_key == e.idempotency_key) {
        out.known = promise_of(book, *book.lane.pending(), true);
      }
      for (const auto& [call, receipt, answer] : book.lane.remembered()) {
        if (receipt.receipt.outcome != CallOutcomeKind::kDone || call.idempotency_key != e.idempotency_key) continue;
        if (answer) {
          gateway::PaidReply reply;
          reply.answer.receipt = payment::SignedReceipt{receipt.receipt, receipt.signature};
          reply.charged = receipt.receipt.charged;
          out.kept = reply;
          return out;
        }
        out.known = promise_of(book, call, true);
      }
    }
    const Book* best = nullptr;
    for (const auto& [id, book] : books) {
      if (out.known ? id == out.known->channel.id
                    : epoch < book.channel.end && (best == nullptr || book.channel.end > best->channel.end)) {
        best = &book;
      }
    }
    if (best == nullptr) return out;
    out.channel = view(best->channel);
    out.ledger = channels.at(best->channel.id);
    return out;
  }
  void perform(gateway::ForgetChannel&) { RC_FAIL("no channel is closed for good here"); }

  void perform(gateway::SignVoucher& e) { inbox.emplace_back(gateway::VoucherSigned{e.id, sign(e)}); }
  Result<gateway::Promise> sign(const gateway::SignVoucher& e) {
    Book& book = books.at(e.channel.id);
    if (book.lane.pending()) {
      return book.in_flight ? fail(Fault::kBusy, "the lane waits") : fail(Fault::kUnknownOutcome, "send it again");
    }
    CallOrder order;
    order.request = e.request.record;
    order.body = e.request.body;
    order.max_price = e.max_price;
    order.terms = e.terms;
    order.idempotency_key = e.idempotency_key;
    order.now = e.epoch;
    order.wall = TimeMs(1'000'000);
    const entry::Signed entry = TRY(book.lane.prepare(vkey_, order, e.deposit, Amount()));
    commit(book, entry);
    book.in_flight = true;
    return promise_of(book, entry.call, false);
  }
  void perform(gateway::ListUnresolved& e) {
    Book& book = books.at(e.channel);
    std::vector<gateway::Promise> out;
    if (book.lane.pending() && !book.in_flight) out.push_back(promise_of(book, *book.lane.pending(), true));
    if (!out.empty()) book.in_flight = true;
    inbox.emplace_back(gateway::UnresolvedListed{e.id, std::move(out)});
  }
  /// Only what is on disk is ever sent, and one number never with two different vouchers.
  void perform(gateway::SendVoucher& e) {
    const Voucher& voucher = e.paid.voucher;
    const Book& book = books.at(voucher.channel);
    const auto is_it = [&](const Entry& entry) {
      const auto* written = std::get_if<entry::Signed>(&entry);
      return written != nullptr && written->call.voucher == voucher && written->call.signature == e.paid.signature;
    };
    RC_ASSERT(std::ranges::any_of(book.durable, is_it));
    RC_ASSERT(sent_.emplace(std::pair{voucher.channel, voucher.seq}, voucher).first->second == voucher);
    SignedCall call;
    call.voucher = voucher;
    call.signature = e.paid.signature;
    call.request = e.request.record;
    call.body = Blob<kMaxPaidBodyBytes>(ByteView(e.request.body));
    network.push_back({e.id, e.sending, std::move(call)});
  }
  void perform(gateway::JudgeReceipt& e) {
    Book& book = books.at(e.channel);
    const auto& receipt = *e.answer.receipt;
    const auto judged = book.lane.judge({{receipt.receipt, receipt.signature},
                                         e.answer.inputs,
                                         e.answer.reply.status,
                                         e.answer.reply.body,
                                         "text/plain"});
    if (!judged) {
      book.in_flight = false;
      inbox.emplace_back(gateway::ReceiptJudged{e.id, std::unexpected(judged.error())});
      return;
    }
    RC_ASSERT(judged->verdict != CallVerdict::kDropped);
    for (const Entry& entry : judged->entries) {
      RC_ASSERT(book.lane.apply(entry).has_value());
      book.unwritten.push_back(entry);
    }
    const bool done = judged->verdict == CallVerdict::kDone;
    inbox.emplace_back(gateway::ReceiptJudged{
        e.id, gateway::Judgement{done ? gateway::Verdict::kDone : gateway::Verdict::kFailed, ""}});
  }
  void perform(gateway::JudgeProof& e) {
    Book& book = books.at(e.channel);
    const auto entry = book.lane.judge_proof(
        {e.proof.paid.voucher, e.proof.paid.signature, {e.proof.receipt.receipt, e.proof.receipt.signature}},
        e.answer_is_gone);
    if (entry) commit(book, *entry);
    inbox.emplace_back(gateway::ProofJudged{e.id, entry.has_value()});
  }
  void perform(gateway::SetAside& e) { books.at(e.channel).in_flight = false; }
  void perform(gateway::TopUp& e) {
    if (ledger == LedgerState::kTakes) {
      channels.at(e.channel).deposit.micro += e.amount.micro;
      inbox.emplace_back(gateway::ToppedUp{e.id, TxReceipt{{}, TxStatus::kOk, Amount(1), {}}});
    } else if (ledger == LedgerState::kRefuses) {
      inbox.emplace_back(gateway::ToppedUp{e.id, TxReceipt{{}, TxStatus::kSessionCap, Amount(1), {}}});
    } else {
      inbox.emplace_back(gateway::ToppedUp{e.id, fail(Fault::kUnknownOutcome, "no block has it yet")});
    }
  }
  /// No second deposit while the first may still be taken.
  void perform(gateway::SignOpening& e) {
    for (const auto& [id, opening] : openings_) RC_ASSERT(refused_.contains(id));
    Opening opening{{}, e.open, e.max_call_price};
    ++openings_signed;
    opening.note.id.data[0] = static_cast<std::uint8_t>(openings_signed);
    opening.note.id.data[1] = static_cast<std::uint8_t>(openings_signed >> 8U);
    opening.note.lane = e.lane;
    opening.note.valid_until = Height(height.value + 1'000);
    openings_.emplace(opening.note.id, opening);
    inbox.emplace_back(gateway::OpeningSigned{e.lane, opening.note});
  }
  void perform(gateway::SubmitOpening& e) {
    const auto found = openings_.find(e.id);
    const auto ended = [&](bool taken, Result<TxReceipt> receipt) {
      inbox.emplace_back(gateway::OpeningEnded{e.lane, e.id, taken, std::move(receipt)});
    };
    const TxReceipt ok{e.id, TxStatus::kOk, Amount(1), {}};
    if (found == openings_.end()) return ended(false, fail(Fault::kRejected, "this opening is over"));
    const bool final = channels.contains(channel_of(e.id));
    if (!final && found->second.note.valid_until < height) {
      refused_.insert(e.id);
      return ended(false, fail(Fault::kRejected, "it is too old"));
    }
    if (final || ledger == LedgerState::kTakes) {
      if (!final) put_on_ledger(e.id, found->second);
      return ended(true, ok);
    }
    switch (ledger) {
      case LedgerState::kRefuses:
        found->second.late = false;  // it is in a block, and failed there
        return ended(true, TxReceipt{e.id, TxStatus::kSessionCap, Amount(1), {}});
      case LedgerState::kNodeRefuses:
        refused_.insert(e.id);
        found->second.late = false;
        return ended(false, fail(Fault::kRejected, "another number is next"));
      case LedgerState::kSilentAndTakes:
        put_on_ledger(e.id, found->second);
        break;
      default:
        found->second.late = true;
    }
    ended(true, fail(Fault::kUnknownOutcome, "no block has it yet"));
  }
  void perform(gateway::TakeOver& e) {
    const auto found = openings_.find(e.id);
    if (found == openings_.end()) {
      inbox.emplace_back(gateway::TakenOver{e.id, true, height});
      return;
    }
    const bool has = channels.contains(channel_of(e.id));
    if (has) {
      PayerChannel channel;
      channel.id = channel_of(e.id);
      channel.service = service_;
      channel.session = session_;
      channel.receipt_key = host_key_.public_key();
      channel.vkey = vkey_.x_only_key();
      channel.price = terms_.price;
      channel.max_call_price = found->second.max_call_price;
      channel.end = found->second.open.end;
      const Entry opened = PayerLane::opening(channel, 0);
      books.emplace(channel.id, Book{channel,
                                     {opened},
                                     {},
                                     PayerLane::restore(channel, 0, {opened}).value(),
                                     ModelHost(channel, host_key_, terms_)});
      openings_.erase(found);
    }
    inbox.emplace_back(gateway::TakenOver{e.id, has, height});
  }
  /// Never while the deposit is, or may come to be, in its channel.
  void perform(gateway::ForgetOpening& e) {
    RC_ASSERT(!channels.contains(channel_of(e.id)) || books.contains(channel_of(e.id)));
    const auto found = openings_.find(e.id);
    RC_ASSERT(found == openings_.end() || !found->second.late || found->second.note.valid_until < height);
    if (found != openings_.end()) openings_.erase(found);
  }
  void perform(gateway::ArmTimer& e) {
    RC_ASSERT(e.after_ms == gateway::kResendAfterMs);
    inbox.emplace_back(gateway::TimeIsUp{e.id});
  }
  void perform(gateway::Finish& e) { RC_ASSERT(finished.emplace(e.id, std::move(e.reply)).second); }

  SeededRandom random_{7};
  SecretKey vkey_ = SecretKey::generate(random_);
  Ed25519Secret host_key_ = Ed25519Secret::generate(random_);
  CallTerms terms_ = call_terms(params, Amount(1'000), params.price_per_mgas);
  ServiceId service_ = [] {
    ServiceId out;
    out.data.fill(0x5e);
    return out;
  }();
  Address session_ = [] {
    Address out;
    out.data.fill(0x77);
    return out;
  }();
  std::map<TxId, Opening> openings_;
  std::set<TxId> refused_;  // openings that the node does not take again
  std::map<std::pair<ChannelId, std::uint64_t>, Voucher> sent_;
  std::optional<gateway::Gateway> machine_;
  gateway::CallId calls_ = 0;
};

}  // namespace micro::test

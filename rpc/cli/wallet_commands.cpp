#include "rpc/cli/groups.hpp"
#include "rpc/cli/secrets.hpp"
#include "rpc/cli/transact.hpp"
#include "wallet/disk/files.hpp"
#include "wallet/keystore/process_hardening.hpp"

namespace micro {

namespace {

constexpr int kConfirmedWords = 3;
constexpr int kConfirmAttempts = 3;

struct NewOptions {
  std::string name;
  std::uint32_t words = 24;
  std::string phrase_file;
};
struct NameOptions {
  std::string name;
};
struct SendOptions {
  std::string to;
  std::string amount;
  std::string memo;
};
struct RefreshOptions {
  std::uint32_t expiry = 0;
  std::string amount;
  std::string cls;
};
struct HistoryOptions {
  std::string name;
  std::uint32_t limit = 20;
  std::string cursor;
};

/// The address's text needs to know the network; without a node the key alone is shown.
std::string address_or_nothing(Context& context, const Address& address) {
  const auto kind = context.kind();
  return kind ? address_text(*kind, address) : std::string();
}

Json wallet_json(Context& context, const WalletInfo& info) {
  Json accounts = Json::array();
  for (const WalletAccount& account : info.accounts) {
    Json entry{{"name", account.name}, {"path", account.path.text()}, {"key", account.key.hex()}};
    if (const std::string address = address_or_nothing(context, account.address()); !address.empty()) {
      entry["address"] = address;
    }
    accounts.push_back(std::move(entry));
  }
  return Json{{"wallet", info.name}, {"accounts", std::move(accounts)}};
}

void print_wallet(Context& context, const WalletInfo& info) {
  if (context.out.json()) return context.out.document(wallet_json(context, info));
  const WalletAccount& first = info.accounts.front();
  const std::string address = address_or_nothing(context, first.address());
  context.out.line(info.name + "  " + (address.empty() ? "key " + first.key.hex() : address) + "  " +
                   first.path.text());
  if (address.empty()) context.out.note("its address shows once a node runs: micro wallet address " + info.name);
}

/// The words, numbered, four a line.
std::string numbered(std::string_view phrase) {
  std::string out;
  int number = 0;
  std::size_t at = 0;
  while (at < phrase.size()) {
    const std::size_t end = std::min(phrase.find(' ', at), phrase.size());
    const std::string word(phrase.substr(at, end - at));
    ++number;
    out += (number < 10 ? " " : "") + std::to_string(number) + " " + word +
           std::string(word.size() < 10 ? 10 - word.size() : 1, ' ');
    if (number % 4 == 0) out += '\n';
    at = end + 1;
  }
  return out;
}

std::string_view word_at(std::string_view phrase, std::size_t index) {
  for (; index > 0; --index) phrase.remove_prefix(phrase.find(' ') + 1);
  return phrase.substr(0, phrase.find(' '));
}

Status confirm_words(Context& context, const SecretBytes& phrase, std::size_t count) {
  SystemRandom random;
  for (int attempt = 0; attempt < kConfirmAttempts; ++attempt) {
    TRY(show_once("These words are the money. Write them on paper; nobody can recover them for you.\n\n" +
                  numbered(phrase.text()) + "\n\nEnter clears the screen; then three of them are asked. "));
    bool right = true;
    for (int i = 0; i < kConfirmedWords && right; ++i) {
      const std::size_t index = random.draw_u64() % count;
      const SecretBytes typed = TRY(
          ask_terminal(context.globals, "word " + std::to_string(index + 1) + " of " + std::to_string(count), true));
      right = typed.text() == word_at(phrase.text(), index);
    }
    if (right) return {};
    context.out.note("that is not the word; here they are again");
  }
  return fail(Fault::kInvalid, "the words were not confirmed", "nothing was saved; start again with paper and pen");
}

/// Where the words go: to a new private file, or to the person at the terminal, who proves to have them.
Status hand_out_phrase(Context& context, const Mnemonic& mnemonic, const std::string& file) {
  const SecretBytes phrase = mnemonic.phrase();
  if (!file.empty()) {
    SecretBytes line(phrase.size() + 1);
    std::ranges::copy(phrase.view(), line.writable().begin());
    line.writable()[phrase.size()] = '\n';
    return write_file_durably(file, line.view(), IfPresent::kRefuse);
  }
  if (!can_ask(context.globals)) {
    return fail(Fault::kInvalid, "there is no terminal to show the words on",
                "write them to a file: --phrase-file FILE");
  }
  return confirm_words(context, phrase, mnemonic.word_count());
}

/// Said before anybody is asked for words or a password.
Status check_new_name(const Keystore& store, const std::string& name) {
  TRY(check_wallet_name(name));
  if (dev_index(name)) {
    return fail(Fault::kInvalid, "\"" + name + "\" is the name of a development account", "choose another name");
  }
  const auto known = store.info(name);
  if (known) return fail(Fault::kInvalid, "there is a wallet \"" + name + "\" already", "choose another name");
  if (known.error().fault != Fault::kNotFound) return std::unexpected(known.error());
  return {};
}

Result<SecretBytes> new_password(Context& context, const std::string& name) {
  SecretBytes password = TRY(read_password(context.globals, "new password for wallet " + name, true));
  if (password.size() == 0) {
    return fail(Fault::kInvalid, "the password is empty", "choose one; it protects the file on the disk");
  }
  return password;
}

Status wallet_new(Context& context, const NewOptions& o) {
  TRY(protect_process_memory());
  Keystore store = TRY(context.keystore());
  TRY(check_new_name(store, o.name));
  SystemRandom random;
  const Mnemonic mnemonic = Mnemonic::generate(o.words == 12 ? MnemonicWords::k12 : MnemonicWords::k24, random);
  const SecretBytes password = TRY(new_password(context, o.name));
  TRY(hand_out_phrase(context, mnemonic, o.phrase_file));
  print_wallet(context, TRY(store.create(o.name, mnemonic, {}, password.text(), KdfCost{}, random)));
  return {};
}

Status wallet_import(Context& context, const NewOptions& o) {
  TRY(protect_process_memory());
  Keystore store = TRY(context.keystore());
  TRY(check_new_name(store, o.name));
  const SecretBytes phrase = TRY(o.phrase_file.empty() ? ask_terminal(context.globals, "the 12 to 24 words", false)
                                                       : read_secret_file(o.phrase_file));
  const Mnemonic mnemonic = TRY(Mnemonic::parse(phrase.text()));
  const SecretBytes password = TRY(new_password(context, o.name));
  SystemRandom random;
  print_wallet(context, TRY(store.create(o.name, mnemonic, {}, password.text(), KdfCost{}, random)));
  return {};
}

Status wallet_list(Context& context, const NoOptions&) {
  const Keystore store = TRY(context.keystore());
  const auto current = store.current();
  Json wallets = Json::array();
  Table table{{"NAME", "ACCOUNT", "ADDRESS", "CURRENT"}, {}};
  for (const WalletInfo& info : TRY(store.list())) {
    Json entry = wallet_json(context, info);
    entry["current"] = current && current->wallet == info.name;
    wallets.push_back(std::move(entry));
    for (const WalletAccount& account : info.accounts) {
      const bool chosen = current && current->wallet == info.name && current->account == account.name;
      table.rows.push_back(
          {info.name, account.name, address_or_nothing(context, account.address()), chosen ? "yes" : "no"});
    }
  }
  if (context.out.json()) {
    context.out.document(Json{{"wallets", std::move(wallets)}});
  } else {
    context.out.table(table);
  }
  return {};
}

Status wallet_use(Context& context, const NameOptions& o) {
  Keystore store = TRY(context.keystore());
  const std::size_t slash = o.name.find('/');
  const std::string wallet = o.name.substr(0, slash);
  const std::string account = slash == std::string::npos ? std::string() : o.name.substr(slash + 1);
  TRY(store.use(wallet, account.empty() ? std::nullopt : std::optional<std::string_view>(account)));
  const CurrentAccount current = TRY(store.current());
  if (context.out.json()) {
    context.out.document(Json{{"wallet", current.wallet}, {"account", current.account}});
  } else {
    context.out.note("commands now use " + current.wallet + "/" + current.account);
  }
  return {};
}

Result<ActingAccount> chosen(Context& context, const std::string& name) {
  return name.empty() ? context.acting() : context.find_account(name);
}

/// The account of one's own, or any address.
Result<Address> chosen_address(Context& context, const std::string& name) {
  if (!name.empty()) return context.find_address(name);
  return TRY(context.acting()).address;
}

Status wallet_address(Context& context, const NameOptions& o) {
  const ActingAccount account = TRY(chosen(context, o.name));
  const std::string text = address_text(TRY(context.kind()), account.address);
  if (context.out.json()) {
    context.out.document(Json{{"account", account.label}, {"address", text}});
  } else {
    context.out.line(text);
  }
  return {};
}

Result<Json> account_json(Context& context, const std::string& name) {
  const Address address = TRY(chosen_address(context, name));
  return context.call("ledger.account", {{"address", address_text(TRY(context.kind()), address)}});
}

Status wallet_balance(Context& context, const NameOptions& o) {
  const Json account = TRY(account_json(context, o.name));
  const std::string live = TRY(text_of(account, "live"));
  const std::string grace = TRY(text_of(account, "grace"));
  if (context.out.json()) {
    context.out.document(
        Json{{"address", text_or(account, "address")}, {"live", live}, {"grace", grace}, {"unit", "TOK"}});
    return {};
  }
  context.out.line(with_unit(live));
  if (TRY(parse_amount(grace)).micro > 0) {
    context.out.note(with_unit(grace) + " more expired and can still be refreshed: micro wallet lots");
  }
  return {};
}

Status wallet_lots(Context& context, const NameOptions& o) {
  const Json account = TRY(account_json(context, o.name));
  if (context.out.json()) {
    Json document{{"address", text_or(account, "address")}, {"lots", list_of(account, "lots")}, {"unit", "TOK"}};
    context.out.document(document);
    return {};
  }
  Table table{{"LOT", "AMOUNT", "STATE", "EXPIRES"}, {}};
  for (const Json& lot : list_of(account, "lots")) {
    const std::string state = TRY(text_of(lot, "state"));
    const std::uint64_t left = TRY(number_of(lot, "expires_in_ms"));
    table.rows.push_back({text_or(lot, "expiry"), TRY(text_of(lot, "amount")),
                          text_or(lot, "class") == "base" ? state + ", not transferable" : state,
                          state == "live" ? format_duration(left) : "expired"});
  }
  context.out.table(table);
  return {};
}

Status wallet_send(Context& context, const SendOptions& o) {
  const Amount amount = TRY(some_tokens(o.amount));
  ActingAccount account = TRY(context.acting());
  Transfer transfer;
  transfer.to = TRY(context.find_address(o.to));
  if (transfer.to == account.address) {
    return fail(Fault::kInvalid, o.to + " is the account that sends", "choose who sends with --account");
  }
  transfer.amount = amount;
  if (o.memo.size() > kMaxMemoBytes) {
    return fail(Fault::kInvalid, "the memo is longer than " + std::to_string(kMaxMemoBytes) + " bytes");
  }
  transfer.memo = Text<kMaxMemoBytes>(o.memo);
  const Transaction done = TRY(transact(context, account, transfer));
  print_outcome(context, done, "txid " + done.id.hex() + " " + outcome_text(done));
  return {};
}

Status wallet_refresh(Context& context, const RefreshOptions& o) {
  ActingAccount account = TRY(context.acting());
  const std::string address = address_text(TRY(context.kind()), account.address);
  const Json record = TRY(context.call("ledger.account", {{"address", address}}));
  RefreshLot refresh;
  refresh.expiry = Epoch(o.expiry);
  std::size_t found = 0;
  for (const Json& lot : list_of(record, "lots")) {
    const std::string cls = text_or(lot, "class") == "base" ? "base" : "token";
    if (TRY(number_of(lot, "expiry")) != o.expiry || (!o.cls.empty() && o.cls != cls)) continue;
    ++found;
    refresh.amount = TRY(parse_amount(TRY(text_of(lot, "amount"))));
    refresh.cls = cls == "base" ? LotClass::kBase : LotClass::kToken;
  }
  const std::string name = (o.cls.empty() ? "" : o.cls + " ") + std::string("lot ") + std::to_string(o.expiry);
  if (found == 0) {
    return fail(Fault::kNotFound, account.label + " has no " + name, "list them with `micro wallet lots`");
  }
  if (found > 1) {
    return fail(Fault::kInvalid, account.label + " has two lots " + std::to_string(o.expiry) + ", of different class",
                "say which: --class token, or --class base for the one that is not transferable");
  }
  if (!o.amount.empty()) refresh.amount = TRY(some_tokens(o.amount));
  const Transaction done = TRY(transact(context, account, refresh));
  print_outcome(context, done, "txid " + done.id.hex() + " " + outcome_text(done));
  return {};
}

/// What an event means for the account: "+5.000000 from dmnet1…", else its name.
std::string event_text(const Json& event, const std::string& own) {
  const std::string kind = text_or(event, "kind");
  // What a channel paid to this account. A claim's proceeds are held back at first: what releases them says so.
  std::string got;
  for (const auto& [who, what] : {std::pair{"payer", "refund"}, std::pair{"payer", "refunded"},
                                  std::pair{"host_owner", "to_host"}, std::pair{"owner", "to_owner"}}) {
    if (kind == "Claimed" || text_or(event, who) != own) continue;
    const auto amount = parse_amount(text_or(event, what, "0"));
    if (amount && !amount->is_zero()) got += " +" + amount_text(*amount);
  }
  if (kind != "Transferred") return kind + got;
  const std::string from = text_or(event, "from");
  if (from == own) return "-" + text_or(event, "amount") + " to " + brief_address(text_or(event, "to"));
  return "+" + text_or(event, "amount") + " from " + brief_address(from);
}

std::string events_text(const Json& item, const std::string& own) {
  std::string out;
  for (const Json& event : list_of(item, "events")) {
    if (out.size() > 60) return out + ", …";
    out += (out.empty() ? "" : ", ") + event_text(event, own);
  }
  return out;
}

Status wallet_history(Context& context, const HistoryOptions& o) {
  const std::string own = address_text(TRY(context.kind()), TRY(chosen_address(context, o.name)));
  Json params{{"address", own}, {"limit", std::to_string(o.limit)}};
  if (!o.cursor.empty()) params["cursor"] = o.cursor;
  Json page = TRY(context.call("ledger.history", std::move(params)));
  if (context.out.json()) {
    page["unit"] = "TOK";
    context.out.document(page);
    return {};
  }
  Table table{{"HEIGHT", "TX", "KIND", "STATUS", "FEE", "EVENTS"}, {}};
  for (const Json& item : list_of(page, "items")) {
    table.rows.push_back({text_or(item, "height"), brief_hex(text_or(item, "txid")), text_or(item, "kind"),
                          text_or(item, "status"), text_or(item, "paid_by") == own ? text_or(item, "fee") : "",
                          events_text(item, own)});
  }
  context.out.table(table);
  if (page.contains("cursor")) context.out.note("more: --cursor " + text_or(page, "cursor"));
  return {};
}

void add_keys(CLI::App& wallet, Context& context) {
  NewOptions* made = nullptr;
  CLI::App* create = add_command(wallet, context, "new", "make a wallet: 24 words, one account", wallet_new, made);
  create->add_option("name", made->name, "a to z, 0 to 9, - and _")->required();
  create->add_option("--words", made->words, "12 or 24")->check(CLI::IsMember({12, 24}));
  create->add_option("--phrase-file", made->phrase_file, "write the words to this new file instead of showing them");
  NewOptions* taken = nullptr;
  CLI::App* import = add_command(wallet, context, "import", "a wallet from its words", wallet_import, taken);
  import->add_option("name", taken->name, "name of the wallet")->required();
  import->add_option("--phrase-file", taken->phrase_file, "read the words from this file instead of asking");
  NoOptions* none = nullptr;
  add_command(wallet, context, "list", "wallets and accounts on this machine", wallet_list, none);
  NameOptions* used = nullptr;
  add_command(wallet, context, "use", "choose the account that commands use", wallet_use, used)
      ->add_option("name", used->name, "WALLET or WALLET/ACCOUNT")
      ->required();
}

void add_tokens(CLI::App& wallet, Context& context) {
  const auto named = [&](const char* name, const char* help, Status (*run)(Context&, const NameOptions&)) {
    NameOptions* options = nullptr;
    add_command(wallet, context, name, help, run, options)
        ->add_option("account", options->name, "wallet, wallet/account, dev0 … dev9 or an address");
  };
  named("address", "the account's address", wallet_address);
  named("balance", "live tokens", wallet_balance);
  named("lots", "tokens by the day on which they expire", wallet_lots);
  SendOptions* sent = nullptr;
  CLI::App* send = add_command(wallet, context, "send", "send tokens", wallet_send, sent);
  send->add_option("to", sent->to, "an address or a wallet of yours")->required();
  send->add_option("amount", sent->amount, "tokens, like 12.5")->required();
  send->add_option("--memo", sent->memo, "up to 140 bytes that everybody can read");
  RefreshOptions* refreshed = nullptr;
  CLI::App* refresh =
      add_command(wallet, context, "refresh", "give a lot a fresh life, for a fee", wallet_refresh, refreshed);
  refresh->add_option("lot", refreshed->expiry, "its name in `micro wallet lots`")->required();
  refresh->add_option("amount", refreshed->amount, "a part of it; without: all");
  refresh->add_option("--class", refreshed->cls, "of two lots that expire together")
      ->check(CLI::IsMember({"token", "base"}));
  HistoryOptions* past = nullptr;
  CLI::App* history = add_command(wallet, context, "history", "what happened to an account", wallet_history, past);
  history->add_option("account", past->name, "as for address");
  history->add_option("-n,--limit", past->limit, "entries")->check(CLI::Range(1, 200));
  history->add_option("--cursor", past->cursor, "continue a list");
}

}  // namespace

void add_wallet_commands(CLI::App& app, Context& context) {
  CLI::App* wallet = add_group(app, "wallet", "keys, tokens and session keys");
  add_keys(*wallet, context);
  add_tokens(*wallet, context);
  add_session_commands(*wallet, context);
}

}  // namespace micro

// Genesis files and the templates they are made from. A changed file must not start another chain than it names.
#include "genesis/json/genesis_json.hpp"

#include "chain/execution/execute.hpp"
#include "genesis/json/strict_json.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  const auto genesis = parse_genesis(as_text(input));
  if (genesis) {
    CHECK(check_genesis(*genesis).has_value(), "what is read keeps the rules");
    CHECK(genesis_state(*genesis).has_value(), "and makes a first state");
    CHECK(encode(parse_genesis(format_genesis(*genesis)).value()) == encode(*genesis), "what is written reads back");
    return true;
  }
  const auto made = parse_genesis_template(as_text(input));
  return made.has_value();
}

std::vector<Bytes> fuzz_seeds() {
  Genesis genesis = parse_genesis_template(dev_genesis_template()).value();
  genesis.engine.data.fill(1);
  genesis.policy = Blob<kMaxPolicyBytes>(Bytes{0, 'a', 's', 'm', 1, 0, 0, 0, 9, 9});
  Address address;
  address.data.fill(3);
  genesis.accounts.push_back({address, Amount(1'000'000'000)});
  Ed25519Key key;
  key.data.fill(4);
  genesis.validators.members.push_back({key, 1});
  return {to_bytes(format_genesis(genesis)), to_bytes(dev_genesis_template()), to_bytes(test_genesis_template())};
}

}  // namespace micro::test

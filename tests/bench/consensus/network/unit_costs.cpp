#include "tests/bench/consensus/network/unit_costs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "chain/execution/execute.hpp"
#include "chain/ledger/ledger_impl.hpp"
#include "chain/store/rocks/rocks_kv.hpp"
#include "tests/bench/no_policy.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::bench {
namespace {

constexpr double kVerifySeconds = 1.5;
constexpr double kSyncSeconds = 1.5;
constexpr std::size_t kRecordBytes = 512;
constexpr std::size_t kUnitBlockTxs = 2'000;
constexpr std::size_t kUnitBlocks = 10;
constexpr std::size_t kRounds = 21;

MerkleTree genesis_tree(const World& world) {
  const StateDiff diff = must(genesis_state(world.genesis));
  std::vector<StateEntry> entries;
  for (const auto& [path, value] : diff) entries.push_back({path, *value});
  MerkleTree tree;
  tree.load(std::move(entries));
  return tree;
}

struct Done {
  FinalizedBlock block;
  StateDiff diff;
};

/// Executes blocks of the world's first transfers in the calling thread.
std::vector<Done> execute_blocks(const World& world, UnitCosts& costs) {
  MerkleTree tree = genesis_tree(world);
  NoPolicy policy;
  Header parent;
  parent.time = world.genesis.time;
  parent.state_root = tree.root();
  parent.next_validators = validator_set_hash(world.genesis.validators);
  std::vector<Done> out;
  for (std::size_t from = 0; from + kUnitBlockTxs <= std::min(world.transfers.size(), kUnitBlocks * kUnitBlockTxs);
       from += kUnitBlockTxs) {
    std::vector<SignedTx> txs;
    for (std::size_t i = 0; i < kUnitBlockTxs; ++i) txs.push_back(must(decode<SignedTx>(world.transfers[from + i])));
    const PreparedTxs prepared = prepare_txs(txs);
    std::vector<TxFacts> facts;
    for (const PreparedTx& tx : prepared.txs) facts.push_back({tx.id, tx.encoded.size()});
    Done& done = out.emplace_back();
    Header& header = done.block.block.header;
    header.height = parent.height.next();
    header.parent = block_id(parent);
    header.time = TimeMs(parent.time.value + 1);
    const BlockInput input{chain_id(world.genesis), world.genesis.kind, header.height, header.time, header.parent};
    double start = thread_cpu_seconds();
    BlockOutcome outcome = must(execute_block(tree, input, txs, policy, ExecutionMode::kValidate, nullptr, facts));
    costs.execute += thread_cpu_seconds() - start;
    done.diff = std::move(outcome.diff);
    start = thread_cpu_seconds();
    const StateDiff* const diffs[] = {&done.diff};
    header.state_root = tree.commit(tree.prepare(diffs));
    costs.trie += thread_cpu_seconds() - start;
    done.block.block.txs.assign(txs.begin(), txs.end());
    for (const PreparedTx& tx : prepared.txs) done.block.tx_ids.push_back(tx.id);
    done.block.receipts.receipts.assign(outcome.receipts.begin(), outcome.receipts.end());
    done.block.id = block_id(header);
    parent = header;
  }
  return out;
}

double store_seconds(const World& world, const std::vector<Done>& blocks) {
  const test::TempFolder folder;
  const ChainId chain = chain_id(world.genesis);
  BlockStore store = must(BlockStore::open(must(open_rocks_kv(folder / "ledger", RocksUse::kLedger)), chain));
  StateStore states(must(open_rocks_kv(folder / "state", RocksUse::kState)));
  Header genesis;
  genesis.time = world.genesis.time;
  genesis.state_root = genesis_tree(world).root();
  genesis.next_validators = validator_set_hash(world.genesis.validators);
  must(store.put_genesis(genesis));
  const double start = cpu_seconds();
  for (const Done& done : blocks) {
    const Header& header = done.block.block.header;
    must(store.append(done.block));
    must(states.write(done.diff, {chain, header.height, done.block.id, header.state_root, Epoch(0)}));
  }
  return cpu_seconds() - start;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Those of the processor while all cores do the same: two threads of one core are slower than one.
UnitCosts unit_costs(const World& world) {
  UnitCosts out;
  out.verify = verify_rate(world, kVerifySeconds).cpu_seconds;
  std::mutex mutex;
  std::vector<Done> blocks;
  double transfers = 0;
  on_all_cores("execute", [&](std::size_t) {
    UnitCosts mine;
    std::vector<Done> done = execute_blocks(world, mine);
    const std::lock_guard guard(mutex);
    out.execute += mine.execute;
    out.trie += mine.trie;
    blocks = std::move(done);
    transfers += static_cast<double>(blocks.size() * kUnitBlockTxs);
  });
  out.execute /= transfers;
  out.trie /= transfers;
  out.store = store_seconds(world, blocks) / static_cast<double>(blocks.size() * kUnitBlockTxs);
  return out;
}

BlockCosts block_costs(const World& world, std::size_t transfers) {
  struct Node {
    explicit Node(const World& w)
        : ledger(must(LedgerImpl::open(w.genesis, must(open_rocks_kv(folder / "ledger", RocksUse::kLedger)),
                                       must(open_rocks_kv(folder / "state", RocksUse::kState)), policy, {}))) {}
    test::TempFolder folder;
    NoPolicy policy;
    std::unique_ptr<LedgerImpl> ledger;
  };
  Node proposer(world);
  Node other(world);
  std::vector<double> build;
  std::vector<double> execute;
  for (std::size_t round = 0; round < kRounds && (round + 1) * transfers <= world.transfers.size(); ++round) {
    std::vector<SignedTx> txs;
    for (std::size_t i = 0; i < transfers; ++i) {
      txs.push_back(must(decode<SignedTx>(world.transfers[round * transfers + i])));
    }
    proposer.ledger->submit_batch(txs);
    other.ledger->submit_batch(txs);
    const ChainHead head = must(proposer.ledger->head());
    auto start = std::chrono::steady_clock::now();
    const Block block = must(proposer.ledger->propose(head.id, TimeMs(head.header.time.value + 1), {}));
    build.push_back(seconds_since(start));
    start = std::chrono::steady_clock::now();
    must(other.ledger->execute(block));
    execute.push_back(seconds_since(start));
    must(proposer.ledger->finalize(block_id(block.header), {}));
    must(other.ledger->finalize(block_id(block.header), {}));
  }
  return {median(build), median(execute)};
}

double sync_seconds(std::size_t writers) {
  const test::TempFolder folder;
  std::mutex mutex;
  std::vector<double> all;
  std::vector<std::thread> threads;
  for (std::size_t n = 0; n < writers; ++n) {
    threads.emplace_back([&, n] {
      const int file = ::open((folder / std::to_string(n)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      const Bytes record(kRecordBytes, 1);
      std::vector<double> mine;
      const auto begin = std::chrono::steady_clock::now();
      while (file >= 0 && seconds_since(begin) < kSyncSeconds) {
        if (::write(file, record.data(), record.size()) != static_cast<ssize_t>(record.size())) std::abort();
        const auto start = std::chrono::steady_clock::now();
        if (::fdatasync(file) != 0) std::abort();
        mine.push_back(seconds_since(start));
      }
      ::close(file);
      const std::lock_guard guard(mutex);
      all.insert(all.end(), mine.begin(), mine.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  return median(std::move(all));
}

}  // namespace micro::bench

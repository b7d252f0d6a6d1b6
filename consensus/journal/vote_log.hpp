// Every single vote that a node saw, kept two epochs beyond its own, to find the one that contradicts a later one.
// Which members signed what is in memory, a bit each; their signatures are on the disk only, and looked up when they
// matter.
#pragma once

#include <bitset>
#include <optional>

#include "chain/codec/fields.hpp"
#include "chain/types/block.hpp"
#include "consensus/journal/epoch_log.hpp"

namespace micro {

inline constexpr std::uint32_t kVoteEpochs = 2;  ///< beyond the one in which a vote came
/// Of a committee of 100 a view leaves 14 KB: three epochs of an hour with three views a second.
inline constexpr std::uint64_t kDefaultVoteLogBytes = 512ull << 20;
/// Different statements of which any is remembered: 100 bytes each. Beyond, votes are not kept, and counted.
inline constexpr std::size_t kMaxKeptChoices = 512u << 10;
inline constexpr std::size_t kMaxVotesPerRecord = kMaxValidators;

struct KeptVote {
  Statement statement;
  std::uint16_t signer = 0;  ///< index in the committee of the statement's epoch
  Ed25519Signature signature;
};

/// Two statements of one member that no honest one signs both.
struct VotesInConflict {
  KeptVote first;
  KeptVote second;
};

class VoteLog {
 public:
  /// As EpochLog::open.
  static Result<std::unique_ptr<VoteLog>> open(const std::string& folder, const ChainId& chain,
                                               std::uint64_t budget_bytes = kDefaultVoteLogBytes);

  /// From now on votes come in this epoch, of whichever epoch they are; forgets those that came more than kVoteEpochs
  /// before. The first time, what the files of a former process hold is taken up, with the contradictions in it.
  Result<std::vector<VotesInConflict>> begin(Epoch epoch);
  /// Its signature was verified. The kept vote that it contradicts, if there is one: once a member and epoch, whose
  /// votes are of no interest after that.
  Result<std::optional<KeptVote>> keep(const KeptVote& vote);
  /// What was kept is in the files, and outlives the process.
  Status flush();

  [[nodiscard]] std::size_t choices() const { return choices_; }
  [[nodiscard]] std::uint64_t bytes() const { return log_.bytes(); }
  [[nodiscard]] std::uint64_t not_kept() const { return not_kept_; }

 private:
  using Signers = std::bitset<kMaxValidators>;
  struct Choice {
    StatementKind kind = StatementKind::kNotarize;
    View parent_view;
    BlockId block;
    std::vector<std::pair<Epoch, Signers>> by_file;  ///< whose votes are in which file
    /// Nothing when this member's is in none.
    [[nodiscard]] std::optional<Epoch> file_of(std::uint16_t signer) const;
  };
  using Place = std::pair<Hash, View>;  ///< the statement's epoch and view
  struct Signed {
    std::uint16_t signer = 0;
    Ed25519Signature signature;
    static constexpr auto kFields = fields<&Signed::signer, &Signed::signature>;
  };
  /// A record of the files: one statement and some of its signers.
  struct Group {
    Statement statement;
    List<Signed, kMaxVotesPerRecord> by;
    static constexpr auto kFields = fields<&Group::statement, &Group::by>;
  };

  explicit VoteLog(EpochLog log) : log_(std::move(log)) {}
  static Statement statement_of(const Place& place, const Choice& choice);
  Result<std::optional<KeptVote>> note(const KeptVote& vote, Epoch file, bool& is_new);
  Result<std::vector<VotesInConflict>> load(const std::vector<Bytes>& records, Epoch file);
  [[nodiscard]] Result<std::optional<KeptVote>> find(const Statement& statement, Epoch file,
                                                     std::uint16_t signer) const;
  bool add(const KeptVote& vote, Epoch file, Choice* same);
  void forget_before(Epoch file);

  EpochLog log_;
  bool loaded_ = false;
  Epoch oldest_;  ///< file with votes that are remembered
  std::map<Place, std::vector<Choice>> places_;
  std::size_t choices_ = 0;
  /// By the epoch's id and the member: the older file of the pair.
  std::map<std::pair<Hash, std::uint16_t>, Epoch> convicted_;
  std::vector<Group> unwritten_;
  std::uint64_t not_kept_ = 0;
};

}  // namespace micro

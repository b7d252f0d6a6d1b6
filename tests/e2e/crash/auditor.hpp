// What a node must never take back, kept outside of it: every vote that it ever wrote down, every certificate and block
// that it ever showed. Says what contradicts itself.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "consensus/core/records.hpp"

namespace micro::crash {

class Auditor {
 public:
  /// `journal`: the node's; `kept`: links to each journal that it ever made. Both may be empty yet.
  Auditor(std::filesystem::path journal, std::filesystem::path kept)
      : journal_(std::move(journal)), kept_(std::move(kept)) {}

  /// A block of the interface, with its certificate. From any thread.
  void saw(const Block& block, const Certificate& certificate);
  /// The node is dead: reads all that it wrote down since the last time.
  void node_died();

  void set_key(const Ed25519Key& key) { key_ = key; }
  [[nodiscard]] Height highest() const;
  [[nodiscard]] std::size_t votes() const { return said_.size(); }
  [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }
  [[nodiscard]] std::size_t journals() const { return journals_; }
  [[nodiscard]] std::size_t compared() const { return compared_; }
  [[nodiscard]] std::size_t torn() const { return torn_; }
  /// Empty: nothing contradicts itself.
  [[nodiscard]] std::vector<std::string> complaints() const;

 private:
  /// One epoch's votes as its journal has them.
  struct Memory {
    std::vector<simplex::Vote> votes;
    View floor;  ///< nothing below needs to be known
  };
  Memory read(const std::filesystem::path& file, Epoch& epoch);
  void heard(const simplex::Vote& vote);
  void compare_live();
  void check_shown();
  void complain(std::string what);

  std::filesystem::path journal_;
  std::filesystem::path kept_;
  Ed25519Key key_;

  std::map<std::pair<Hash, View>, std::vector<Statement>> said_;
  std::map<Epoch, Memory> live_;  ///< when it died the last time
  std::size_t journals_ = 0;
  std::size_t compared_ = 0;
  std::size_t torn_ = 0;

  mutable std::mutex mutex_;
  std::map<Height, BlockId> blocks_;
  std::map<Height, StateRoot> roots_;
  std::map<std::pair<Hash, View>, Statement> shown_;
  std::vector<Statement> unchecked_;  ///< shown since the last death
  std::vector<std::string> complaints_;
};

}  // namespace micro::crash

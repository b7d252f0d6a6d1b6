// Each pair of signatures that convicts, by name, and next to it what an honest validator may sign that looks like it.
#pragma once

#include <string>
#include <vector>

#include "chain/types/statement.hpp"

namespace micro::test {

struct StatementPair {
  std::string name;
  Statement first;
  Statement second;
};

inline Statement said(const Hash& epoch_id, StatementKind kind, std::uint64_t view, std::uint8_t block = 0,
                      std::uint64_t parent = 0) {
  Statement out;
  out.kind = kind;
  out.epoch_id = epoch_id;
  out.view = View(view);
  out.parent_view = View(parent);
  out.block.data[0] = block;
  return out;
}

/// Both signed by one key, in either order. A proposal is its leader's Notarize.
inline std::vector<StatementPair> contradictions(const Hash& id, std::uint64_t view) {
  const auto notarize = [&](std::uint8_t block, std::uint64_t parent) {
    return said(id, StatementKind::kNotarize, view, block, parent);
  };
  const auto finalize = [&](std::uint8_t block, std::uint64_t parent) {
    return said(id, StatementKind::kFinalize, view, block, parent);
  };
  const Statement nullify = said(id, StatementKind::kNullify, view);
  const std::uint64_t p = view - 1;
  return {{"Notarize of two blocks, or two proposals", notarize(1, p), notarize(2, p)},
          {"Notarize of one block on two parent views, or two proposals of it", notarize(1, p), notarize(1, p - 1)},
          {"Finalize of two blocks", finalize(1, p), finalize(2, p)},
          {"Finalize of one block on two parent views", finalize(1, p), finalize(1, p - 1)},
          {"Nullify and Finalize", nullify, finalize(1, p)},
          {"Notarize of one block and Finalize of another", notarize(1, p), finalize(2, p)},
          {"Notarize and Finalize of one block on two parent views", notarize(1, p), finalize(1, p - 1)}};
}

/// What honest validators sign: none of it may convict.
inline std::vector<StatementPair> honest_pairs(const Hash& id, std::uint64_t view) {
  const std::uint64_t p = view - 1;
  const Statement notarize = said(id, StatementKind::kNotarize, view, 1, p);
  const Statement finalize = said(id, StatementKind::kFinalize, view, 1, p);
  const Statement nullify = said(id, StatementKind::kNullify, view);
  Hash rival = id;
  rival.data[31] ^= 1;
  return {
      {"the same Notarize again", notarize, notarize},
      {"the same Finalize again", finalize, finalize},
      {"the same Nullify again", nullify, nullify},
      {"Notarize and Finalize of one proposal", notarize, finalize},
      {"Nullify, and then Notarize when the block came after all", nullify, notarize},
      {"one block notarized again in a later view", notarize, said(id, StatementKind::kNotarize, view + 1, 1, view)},
      {"another block notarized in a later view", notarize, said(id, StatementKind::kNotarize, view + 1, 2, p)},
      {"Nullify of one view, Finalize in the next", nullify, said(id, StatementKind::kFinalize, view + 1, 1, p)},
      {"Finalize in one view, Nullify of the next", finalize, said(id, StatementKind::kNullify, view + 1)},
      {"Finalize of two blocks in two views", finalize, said(id, StatementKind::kFinalize, view + 1, 2, view)},
      {"Notarize on either side of a fork", notarize, said(rival, StatementKind::kNotarize, view, 2, p)},
      {"Finalize on either side of a fork", finalize, said(rival, StatementKind::kFinalize, view, 2, p)},
      {"Nullify on one side of a fork, Finalize on the other", nullify,
       said(rival, StatementKind::kFinalize, view, 2, p)}};
}

}  // namespace micro::test

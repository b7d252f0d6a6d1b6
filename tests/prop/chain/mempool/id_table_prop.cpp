#include "chain/mempool/id_table.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace micro {
namespace {

struct Item {
  TxId id;
};

// More items than the table begins with, put in and taken out in any order: chains of neighbours grow, wrap around the
// end and are closed up again.
RC_GTEST_PROP(IdTableProp, AnswersAsAMapDoes, (std::uint64_t seed)) {
  std::vector<Item> items(*rc::gen::inRange<std::size_t>(1, 300));
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].id.data[0] = static_cast<std::uint8_t>(i);
    items[i].id.data[9] = static_cast<std::uint8_t>(i / 256);
  }
  IdTable<Item> table(seed);
  std::map<TxId, Item*> model;
  const auto steps = *rc::gen::container<std::vector<std::pair<std::uint16_t, bool>>>(
      600, rc::gen::pair(rc::gen::arbitrary<std::uint16_t>(), rc::gen::arbitrary<bool>()));
  for (const auto& [n, put] : steps) {
    Item& item = items[n % items.size()];
    if (put && !model.contains(item.id)) {
      table.insert(&item);
      model.emplace(item.id, &item);
    } else if (!put) {
      table.erase(item.id);
      model.erase(item.id);
    }
    RC_ASSERT(table.size() == model.size());
    for (Item& any : items) {
      Item* const expected = model.contains(any.id) ? &any : nullptr;
      RC_ASSERT(table.find(any.id) == expected);
    }
  }
}

}  // namespace
}  // namespace micro

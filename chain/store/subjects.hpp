// Whom an event is about, for the indexes: found by the types of its fields, so a new kind of event needs no new code.
#pragma once

#include <vector>

#include "chain/types/event.hpp"

namespace micro {

struct Subjects {
  std::vector<Address> accounts;
  std::vector<ServiceId> services;
  std::optional<std::uint64_t> decision;  ///< of a Placed or Drained
};

inline Subjects subjects_of(const Event& event) {
  Subjects out;
  const auto field = [&out](const auto& value) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::same_as<T, Address>) out.accounts.push_back(value);
    if constexpr (std::same_as<T, ServiceId>) out.services.push_back(value);
  };
  std::visit(
      [&](const auto& e) {
        using E = std::decay_t<decltype(e)>;
        E::kFields.apply([&](auto... member) { (field(e.*member), ...); });
        if constexpr (std::same_as<E, event::Placed> || std::same_as<E, event::Drained>) out.decision = e.decision;
      },
      event);
  return out;
}

}  // namespace micro

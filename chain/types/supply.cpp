#include "chain/types/supply.hpp"

#include <algorithm>

namespace micro {

std::string wide_text(const Wide& value) {
  u128 rest = value.value();
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest != 0);
  std::ranges::reverse(digits);
  return digits;
}

}  // namespace micro

// Messages in one line, for people who read a trace.
#pragma once

#include <string>

#include "consensus/core/records.hpp"

namespace micro::test {

std::string describe(const simplex::Record& record);
std::string describe(const Statement& statement);
std::string describe(const simplex::Message& message);

}  // namespace micro::test

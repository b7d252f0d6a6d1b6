// What nodes say while one catches up, and what it keeps. A new type is added here, and with that gets its frozen
// bytes, its round trips and its place in the fuzz target.
#pragma once

#include "p2p/sync/messages.hpp"

#define MICRO_SYNC_TYPES(X)                                                                                          \
  X(Request)                                                                                                         \
  X(Answer) X(StatusAnswer) X(HeadersAnswer) X(HeadersByIdAnswer) X(BlocksAnswer) X(BlocksByIdAnswer) X(StateAnswer) \
      X(Progress)

// Starts a coroutine that nobody waits for.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "p2p/aio/task.hpp"

namespace micro {

/// Whatever ends the coroutine, its holders have let go: there is nobody to tell.
inline void spawn(const boost::asio::any_io_executor& executor, Task<void> task) {
  boost::asio::co_spawn(executor, std::move(task), [](const std::exception_ptr&) {});
}
inline void spawn(boost::asio::io_context& io, Task<void> task) {
  spawn(io.get_executor(), std::move(task));
}

}  // namespace micro

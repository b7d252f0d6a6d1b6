// Coroutines of shells: a Task is awaited or spawned, a Signal wakes those who wait for something to change.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace micro {

template <class T>
using Task = boost::asio::awaitable<T>;
inline constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Wakes every waiter of the moment; who comes later waits for the next time. Waiters check what they wait for again.
class Signal {
 public:
  explicit Signal(const boost::asio::any_io_executor& executor)
      : timer_(executor, boost::asio::steady_timer::time_point::max()) {}
  Task<void> wait() { (void)co_await timer_.async_wait(kAsTuple); }
  void notify() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;  // never expires: being cancelled is the message
};

}  // namespace micro

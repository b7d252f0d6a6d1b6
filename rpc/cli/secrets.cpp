#include "rpc/cli/secrets.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace micro {

namespace {

/// The controlling terminal, whatever stdin and stdout are.
class Terminal {
 public:
  Terminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    if (hidden_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] bool usable() const { return fd_ >= 0; }
  void hide() {
    if (::tcgetattr(fd_, &before_) != 0) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    hidden_ = ::tcsetattr(fd_, TCSAFLUSH, &hidden) == 0;
  }
  void write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t n = ::write(fd_, text.data(), text.size());
      if (n <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  Result<SecretBytes> read_line() const {
    SecretBytes line(kMaxSecretFileBytes);
    std::size_t size = 0;
    for (;;) {
      std::uint8_t c = 0;
      const ssize_t n = ::read(fd_, &c, 1);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail(Fault::kInterrupted, "the terminal was closed");
      if (c == '\n') break;
      if (size == kMaxSecretFileBytes) return fail(Fault::kLimit, "the line is too long");
      line.writable()[size++] = c;
    }
    line.shrink(size);
    return line;
  }

 private:
  int fd_;
  termios before_{};
  bool hidden_ = false;
};

Result<SecretBytes> read_descriptor(int fd, const std::string& name) {
  SecretBytes content(kMaxSecretFileBytes + 1);
  std::size_t size = 0;
  for (;;) {
    const ssize_t n = ::read(fd, content.writable().data() + size, content.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Fault::kIo, "cannot read " + name + ": " + std::strerror(errno));
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
    if (size > kMaxSecretFileBytes) return fail(Fault::kLimit, name + " is too long for a secret");
  }
  if (size > 0 && content.view()[size - 1] == '\n') --size;
  if (size > 0 && content.view()[size - 1] == '\r') --size;
  content.shrink(size);
  return content;
}

}  // namespace

bool can_ask(const Globals& globals) {
  return !globals.no_input && !globals.json && Terminal().usable();
}

Result<SecretBytes> read_secret_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(Fault::kNotFound, "cannot open " + file.string() + ": " + std::strerror(errno));
  auto content = read_descriptor(fd, file.string());
  ::close(fd);
  return content;
}

Result<SecretBytes> ask_terminal(const Globals& globals, std::string_view prompt, bool echo) {
  Terminal terminal;
  if (globals.no_input || !terminal.usable()) {
    return fail(Fault::kDenied, "nobody can be asked here: " + std::string(prompt));
  }
  if (!echo) terminal.hide();
  terminal.write(std::string(prompt) + ": ");
  auto line = terminal.read_line();
  if (!echo) terminal.write("\n");
  return line;
}

Result<SecretBytes> read_password(const Globals& globals, std::string_view prompt, bool again) {
  if (globals.password_file) return read_secret_file(*globals.password_file);
  if (globals.password_fd) return read_descriptor(*globals.password_fd, "the password's descriptor");
  auto first = ask_terminal(globals, prompt, false);
  if (!first) {
    if (first.error().fault != Fault::kDenied) return first;
    return fail(Fault::kDenied, "the wallet's password is needed and nobody can be asked",
                "give it with --password-file FILE, --password-fd N or MICRO_PASSWORD_FILE");
  }
  if (!again) return first;
  const SecretBytes second = TRY(ask_terminal(globals, "the same again", false));
  if (!equal_in_constant_time(first->view(), second.view())) {
    return fail(Fault::kInvalid, "the two passwords differ", "nothing was saved; start again");
  }
  return first;
}

Result<bool> confirm(const Globals& globals, std::string_view question) {
  if (globals.yes || !can_ask(globals)) return true;
  const SecretBytes answer = TRY(ask_terminal(globals, std::string(question) + " [y/N]", true));
  return answer.text() == "y" || answer.text() == "yes";
}

Status show_once(std::string_view text) {
  const Terminal terminal;
  if (!terminal.usable()) return fail(Fault::kDenied, "there is no terminal to show it on");
  terminal.write("\x1b[?1049h\x1b[H");
  terminal.write(text);
  auto line = terminal.read_line();
  terminal.write("\x1b[2J\x1b[3J\x1b[?1049l");
  if (!line) return std::unexpected(std::move(line).error());
  return {};
}

}  // namespace micro

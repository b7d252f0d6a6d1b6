#include "tests/netns/wires.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace micro::netns {
namespace {

std::unexpected<Error> failed(const std::string& what, Fault fault = Fault::kIo) {
  return fail(fault, what + ": " + std::strerror(errno));
}

struct Fd {
  explicit Fd(int of) : fd(of) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
  int release() { return std::exchange(fd, -1); }
  int fd;
};

// A message of rtnetlink as it grows.
class Message {
 public:
  Message(std::uint16_t type, std::uint16_t flags) : bytes_(NLMSG_HDRLEN, 0) {
    head().nlmsg_type = type;
    head().nlmsg_flags = flags;
  }
  template <class T>
  void put(const T& value) {
    const auto* const from = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof value);
    pad();
  }
  void attribute(std::uint16_t type, ByteView value) {
    const std::size_t at = open(type);
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    close(at);
  }
  void text(std::uint16_t type, std::string_view value) {
    Bytes bytes = to_bytes(value);
    bytes.push_back(0);
    attribute(type, bytes);
  }
  /// What is put until `close` is inside of it.
  std::size_t open(std::uint16_t type) {
    const std::size_t at = bytes_.size();
    put(rtattr{.rta_len = 0, .rta_type = type});
    return at;
  }
  void close(std::size_t at) {
    const auto size = static_cast<std::uint16_t>(bytes_.size() - at);
    std::memcpy(&bytes_[at], &size, sizeof size);
    pad();
  }
  ByteView done() {
    head().nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
    return bytes_;
  }

 private:
  nlmsghdr& head() { return *reinterpret_cast<nlmsghdr*>(bytes_.data()); }
  void pad() { bytes_.resize((bytes_.size() + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO); }
  Bytes bytes_;
};

Status ask_kernel(Message message) {
  const Fd link(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (link.fd < 0) return failed("no netlink");
  const ByteView bytes = message.done();
  if (::send(link.fd, bytes.data(), bytes.size(), 0) < 0) return failed("netlink takes nothing");
  struct {
    nlmsghdr head;
    nlmsgerr error;
    std::array<std::uint8_t, 1'024> rest;
  } answer{};
  if (::recv(link.fd, &answer, sizeof answer, 0) < 0) return failed("netlink does not answer");
  if (answer.head.nlmsg_type != NLMSG_ERROR) return fail(Fault::kIo, "netlink answers something else");
  errno = -answer.error.error;
  if (errno != 0) return failed("no pair of interfaces can be made", Fault::kDenied);
  return {};
}

// `name` here and eth0 in `space`.
Status make_pair(const std::string& name, int space) {
  Message message(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.put(ifinfomsg{});
  message.text(IFLA_IFNAME, name);
  const std::size_t info = message.open(IFLA_LINKINFO);
  message.text(IFLA_INFO_KIND, "veth");
  const std::size_t data = message.open(IFLA_INFO_DATA);
  const std::size_t peer = message.open(VETH_INFO_PEER);
  message.put(ifinfomsg{});
  message.text(IFLA_IFNAME, "eth0");
  message.attribute(IFLA_NET_NS_FD, {reinterpret_cast<const std::uint8_t*>(&space), sizeof space});
  message.close(peer);
  message.close(data);
  message.close(info);
  return ask_kernel(std::move(message));
}

ifreq request_of(const std::string& name) {
  ifreq out{};
  std::copy_n(name.begin(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1), out.ifr_name);
  return out;
}

Status raise(int socket, const std::string& name, short flags) {
  ifreq request = request_of(name);
  request.ifr_flags = static_cast<short>(IFF_UP | IFF_RUNNING | flags);
  if (::ioctl(socket, SIOCSIFFLAGS, &request) < 0) return failed("cannot raise " + name);
  return {};
}

// Frames are to be as on a wire: no longer than its MTU, and with their checksums.
Status send_plainly(int socket, const std::string& name) {
  for (const std::uint32_t what : {std::uint32_t{ETHTOOL_STSO}, std::uint32_t{ETHTOOL_SGSO},
                                   std::uint32_t{ETHTOOL_SGRO}, std::uint32_t{ETHTOOL_STXCSUM}}) {
    ethtool_value off{.cmd = what, .data = 0};
    ifreq request = request_of(name);
    request.ifr_data = reinterpret_cast<char*>(&off);
    if (::ioctl(socket, SIOCETHTOOL, &request) < 0) return failed("cannot set up " + name);
  }
  return {};
}

Status set_address(int socket, unsigned long what, std::uint32_t address) {
  ifreq request = request_of("eth0");
  sockaddr_in as{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {.s_addr = htonl(address)}, .sin_zero = {}};
  std::memcpy(&request.ifr_addr, &as, sizeof as);
  if (::ioctl(socket, what, &request) < 0) return failed("cannot give eth0 its address");
  return {};
}

// Within the node's namespace. Nobody asks for neighbours' hardware addresses: the emulator knows them.
Result<Mac> set_up_node(std::size_t node) {
  const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (any.fd < 0) return failed("no socket");
  TRY(send_plainly(any.fd, "eth0"));
  TRY(set_address(any.fd, SIOCSIFADDR, address_number(node)));
  TRY(set_address(any.fd, SIOCSIFNETMASK, kNetworkMask));
  TRY(raise(any.fd, "lo", 0));
  TRY(raise(any.fd, "eth0", IFF_NOARP));
  ifreq request = request_of("eth0");
  if (::ioctl(any.fd, SIOCGIFHWADDR, &request) < 0) return failed("eth0 has no hardware address");
  Mac out;
  std::memcpy(out.data(), request.ifr_hwaddr.sa_data, out.size());
  return out;
}

Result<int> packets_of(const std::string& name) {
  Fd out(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_IP)));
  if (out.fd < 0) return failed("no packet socket", Fault::kDenied);
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_IP);
  at.sll_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
  if (::bind(out.fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) < 0) return failed("cannot listen on " + name);
  const int room = 4 << 20;
  (void)::setsockopt(out.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  return out.release();
}

Result<int> open_space(const std::string& path) {
  const int out = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (out < 0) return failed("cannot open " + path, Fault::kDenied);
  return out;
}

Status write_file(const char* path, const std::string& text) {
  const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (file.fd < 0 || ::write(file.fd, text.data(), text.size()) < 0) return failed(path, Fault::kDenied);
  return {};
}

}  // namespace

// A user namespace of its own makes it possible without being root. Who is root in a container that has no right to one
// may still have the right to a network.
Status leave_network() {
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
    const auto why = failed("this machine lets us make no network namespace", Fault::kDenied);
    return ::unshare(CLONE_NEWNET) == 0 ? Status() : why;
  }
  TRY(write_file("/proc/self/setgroups", "deny"));
  TRY(write_file("/proc/self/uid_map", "0 " + user + " 1"));
  return write_file("/proc/self/gid_map", "0 " + group + " 1");
}

Result<Wire> make_wire(std::size_t node) {
  const Fd here(TRY(open_space("/proc/self/ns/net")));
  if (::unshare(CLONE_NEWNET) < 0) return failed("no further network namespace", Fault::kDenied);
  Fd space(TRY(open_space("/proc/self/ns/net")));
  if (::setns(here.fd, CLONE_NEWNET) < 0) return failed("cannot go back");
  const std::string name = "node" + std::to_string(node);
  TRY(make_pair(name, space.fd));
  if (::setns(space.fd, CLONE_NEWNET) < 0) return failed("cannot enter a namespace");
  const auto mac = set_up_node(node);
  if (::setns(here.fd, CLONE_NEWNET) < 0) return failed("cannot go back");
  const Mac known = TRY(mac);
  const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  TRY(send_plainly(any.fd, name));
  TRY(raise(any.fd, name, IFF_NOARP));
  const int packets = TRY(packets_of(name));
  return Wire{.space = space.release(), .packets = packets, .mac = known};
}

Status enter(int emulator, int space) {
  const std::string process = "/proc/" + std::to_string(emulator);
  const Fd user(TRY(open_space(process + "/ns/user")));
  const Fd network(TRY(open_space(process + "/fd/" + std::to_string(space))));
  struct stat theirs{};
  struct stat ours{};
  if (::fstat(user.fd, &theirs) < 0 || ::stat("/proc/self/ns/user", &ours) < 0) return failed("no user namespace");
  if (theirs.st_ino != ours.st_ino && ::setns(user.fd, CLONE_NEWUSER) < 0) return failed("cannot enter its users");
  if (::setns(network.fd, CLONE_NEWNET) < 0) return failed("cannot enter its network");
  return {};
}

}  // namespace micro::netns

// TLS as it is used against public hosts: the certificate must be signed by a trusted authority and name the host.
#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/host/process/process.hpp"
#include "tests/unit/services/host/git_fetch/fetch_rig.hpp"

namespace micro {
namespace {

using test::FetchRig;
using ::testing::HasSubstr;

/// Carries bytes between TLS and the plain server.
constexpr const char* kRelay = R"(
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], file=sys.stderr, flush=True)
def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
def serve(client):
    try:
        tls = context.wrap_socket(client, server_side=True)
    except OSError:
        return
    plain = socket.create_connection(("127.0.0.1", int(sys.argv[3])))
    threading.Thread(target=pump, args=(tls, plain), daemon=True).start()
    pump(plain, tls)
    tls.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
)";

class GitOverTls : public FetchRig {
 protected:
  void SetUp() override {
    FetchRig::SetUp();
    repo_.commit({{"main.c", "int main;"}});
    const std::string make =
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
        "subjectAltName=DNS:localhost -keyout " +
        path("key") + " -out " + path("certificate");
    ProcessSpec spec;
    spec.argv = {"/bin/sh", "-c", make};
    spec.environment = {"PATH=/usr/bin:/bin"};
    spec.wall_ms = 60'000;
    const auto made = run_process(spec);
    ASSERT_TRUE(made.has_value() && made->ok()) << "openssl comes with ca-certificates";
    relay_ = std::jthread([this](std::stop_token stop) { run_relay(stop); });
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [this] { return port_text_.ends_with('\n'); }))
        << port_text_;
    port_text_.pop_back();
  }
  void run_relay(const std::stop_token& stop) {
    ProcessSpec spec;
    spec.argv = {"/usr/bin/python3", "-c", kRelay, path("certificate"), path("key"), plain_port()};
    spec.environment = {"PATH=/usr/bin:/bin"};
    spec.wall_ms = 120'000;
    spec.on_output = [this](std::string_view chunk) {
      const std::lock_guard lock(mutex_);
      port_text_ += chunk;
      changed_.notify_all();
    };
    static_cast<void>(run_process(spec, stop));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string plain_port() const {
    const std::string url = server_.url("");
    return url.substr(url.rfind(':') + 1, url.size() - url.rfind(':') - 2);
  }
  FetchRequest over_tls(const std::string& host, const std::string& trusted) {
    FetchRequest out = request();
    out.source = {SourceKind::kHttps, "https://" + host + ":" + port_text_ + "/repo.git", "", ""};
    out.ca_file = trusted;
    out.private_hosts = true;  // the relay listens on this machine
    return out;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string port_text_;
  std::jthread relay_;
};

TEST_F(GitOverTls, ATrustedCertificateForTheHost) {
  const auto r = over_tls("localhost", path("certificate"));
  const auto done = fetch(r);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(read(r.tree_dir + "/main.c"), "int main;");
}

TEST_F(GitOverTls, ACertificateThatNobodySigned) {
  const Error e = refused(over_tls("localhost", ""));
  EXPECT_EQ(e.fault, Fault::kDenied) << e.message;
  EXPECT_THAT(e.message, HasSubstr("certificate"));
  EXPECT_EQ(server_.requests(), 0) << "nothing is said before the certificate is good";
}

TEST_F(GitOverTls, ANameThatLeadsIntoTheBuildersNetwork) {
  auto r = over_tls("localhost", path("certificate"));
  r.private_hosts = false;
  const Error e = refused(r);
  EXPECT_EQ(e.fault, Fault::kDenied) << e.message;
  EXPECT_THAT(e.message, ::testing::AnyOf(HasSubstr("leads to 127.0.0.1"), HasSubstr("leads to [::1]")));
  EXPECT_EQ(server_.requests(), 0);
}

TEST_F(GitOverTls, ACertificateOfAnotherHost) {
  const Error e = refused(over_tls("127.0.0.1", path("certificate")));
  EXPECT_EQ(e.fault, Fault::kDenied) << e.message;
  EXPECT_EQ(server_.requests(), 0);
}

}  // namespace
}  // namespace micro

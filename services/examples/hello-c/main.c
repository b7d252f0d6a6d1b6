// A service in plain C: greets by name.
//
// A service is a CGI program (RFC 3875). For each call the host starts a fresh instance, puts the request into
// environment variables (REQUEST_METHOD, PATH_INFO, QUERY_STRING, CONTENT_TYPE, CONTENT_LENGTH, HTTP_…) and its body on
// stdin; the program writes headers, an empty line and the reply's body to stdout. Without a Status header the reply is
// 200 OK.
//
// It talks to the host with read() and write() instead of stdio: one buffer, one write, a module of a few kilobytes.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kMaxBodyBytes = 4096, kMaxReplyBytes = kMaxBodyBytes + 512 };

static char reply[kMaxReplyBytes];
static size_t reply_bytes;

static void put_bytes(const char* bytes, size_t n) {
  if (n > sizeof reply - reply_bytes) n = sizeof reply - reply_bytes;
  memcpy(reply + reply_bytes, bytes, n);
  reply_bytes += n;
}
static void put(const char* text) {
  put_bytes(text, strlen(text));
}

static int send_reply(void) {
  for (size_t sent = 0; sent < reply_bytes;) {
    const ssize_t n = write(STDOUT_FILENO, reply + sent, reply_bytes - sent);
    if (n <= 0) return EXIT_FAILURE;
    sent += (size_t)n;
  }
  return EXIT_SUCCESS;
}

static int problem(const char* status, const char* what) {
  put("Status: ");
  put(status);
  put("\r\nContent-Type: application/json\r\n\r\n{\"error\":\"");
  put(what);
  put("\"}\n");
  return send_reply();
}

static int greet(const char* name, size_t n) {
  put("Content-Type: application/json\r\n\r\n{\"greeting\":\"Hello, ");
  put_bytes(name, n);
  put("!\"}\n");
  return send_reply();
}

// Reads the whole body; false when it is longer than there is room for.
static bool read_body(char* body, size_t room, size_t* length) {
  *length = 0;
  while (*length < room) {
    const ssize_t n = read(STDIN_FILENO, body + *length, room - *length);
    if (n <= 0) return n == 0;
    *length += (size_t)n;
  }
  return false;
}

static const char* skip_space(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

// Steps over one character, if it is the wanted one.
static bool take(const char** at, const char* end, char wanted) {
  *at = skip_space(*at, end);
  if (*at == end || **at != wanted) return false;
  ++*at;
  return true;
}

// Steps from the backslash to the last character of an escape.
static bool take_escape(const char** at, const char* end) {
  if (++*at >= end) return false;
  if (**at != 'u') return memchr("\"\\/bfnrt", **at, 8) != NULL;
  for (int i = 0; i < 4; ++i) {
    if (++*at >= end || memchr("0123456789abcdefABCDEF", **at, 22) == NULL) return false;
  }
  return true;
}

// Steps over a JSON string and finds its inside. Escapes stay as they are, since the reply is JSON again.
static bool take_string(const char** at, const char* end, const char** inside, size_t* n) {
  if (!take(at, end, '"')) return false;
  *inside = *at;
  for (; *at < end && **at != '"'; ++*at) {
    if ((unsigned char)**at < 0x20) return false;
    if (**at == '\\' && !take_escape(at, end)) return false;
  }
  if (*at >= end) return false;
  *n = (size_t)(*at - *inside);
  ++*at;
  return true;
}

// {"name": "…"} and nothing else.
static bool read_name(const char* body, size_t length, const char** name, size_t* n) {
  const char *at = body, *end = body + length, *key;
  size_t key_bytes;
  return take(&at, end, '{') && take_string(&at, end, &key, &key_bytes) && key_bytes == 4 &&
         memcmp(key, "name", 4) == 0 && take(&at, end, ':') && take_string(&at, end, name, n) && take(&at, end, '}') &&
         skip_space(at, end) == end;
}

int main(void) {
  const char* method = getenv("REQUEST_METHOD");
  const char* path = getenv("PATH_INFO");
  if (method == NULL || path == NULL) return problem("500 Internal Server Error", "not called as a CGI program");
  if (strcmp(path, "/hello") != 0) return problem("404 Not Found", "there is only /hello");
  if (strcmp(method, "GET") == 0) return greet("world", 5);
  if (strcmp(method, "POST") != 0) return problem("405 Method Not Allowed", "use GET or POST");

  static char body[kMaxBodyBytes];
  size_t length, name_bytes;
  const char* name;
  if (!read_body(body, sizeof body, &length)) return problem("413 Content Too Large", "at most 4095 bytes");
  if (!read_name(body, length, &name, &name_bytes))
    return problem("400 Bad Request", "send {\\\"name\\\": \\\"Ada\\\"}");
  return greet(name, name_bytes);
}

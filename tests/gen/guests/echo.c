// Answers with what it was given: the request's variables, its body, the time and a random number.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv) {
  static char body[1 << 20];
  const char* method = getenv("REQUEST_METHOD");
  const char* path = getenv("PATH_INFO");
  const size_t n = fread(body, 1, sizeof body, stdin);
  unsigned char random[8];
  if (getentropy(random, sizeof random) != 0) return 3;
  printf("Status: 201 Created\r\nContent-Type: text/plain\r\n\r\n");
  printf("%s %s %s\n", argc > 0 ? argv[0] : "-", method ? method : "-", path ? path : "-");
  printf("time %lld random ", (long long)time(NULL));
  for (size_t i = 0; i < sizeof random; ++i) printf("%02x", random[i]);
  printf("\n");
  fwrite(body, 1, n, stdout);
  fprintf(stderr, "served %zu bytes\n", n);
  return 0;
}

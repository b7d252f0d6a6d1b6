// One program with many ways to misbehave; the first argument says which.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile int sink;

static int recurse(int n) {
  volatile char frame[256];
  frame[n & 255] = (char)n;
  return recurse(n + 1) + frame[(n + 1) & 255];
}

static void burn(long rounds) {
  for (long i = 0; i < rounds; ++i) sink += (int)i;
}

static int flood(FILE* stream) {
  static char line[1024];
  memset(line, 'x', sizeof line);
  for (;;) fwrite(line, 1, sizeof line, stream);
}

static char* volatile kept;  // without it the compiler may assume that memory never ends

static int grow(void) {
  size_t total = 0;
  for (char* p; (p = malloc(1 << 20)) != NULL; total += 1 << 20) {
    memset(p, 1, 1 << 20);
    kept = p;
  }
  printf("%zu", total);
  return 0;
}

static int wait_for_clock(void) {
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000000000LL + now.tv_nsec - start.tv_nsec < 20000000);
  return 0;
}

static int sleep_seconds(int seconds) {
  struct timespec wait = {.tv_sec = seconds}, before, after;
  clock_gettime(CLOCK_REALTIME, &before);
  clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
  clock_gettime(CLOCK_REALTIME, &after);
  printf("%lld", (long long)(after.tv_sec - before.tv_sec));
  return 0;
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "loop"))
    for (;;) ++sink;
  if (!strcmp(what, "recurse")) return recurse(0);
  if (!strcmp(what, "burn-then-trap")) {
    burn(1000000);
    __builtin_trap();
  }
  if (!strcmp(what, "burn")) {
    burn(argc > 2 ? atol(argv[2]) : 1000);
    return 0;
  }
  if (!strcmp(what, "stdout-flood")) return flood(stdout);
  if (!strcmp(what, "stderr-flood")) {
    burn(1);
    return flood(stderr);
  }
  if (!strcmp(what, "some-log")) {
    for (int i = 0; i < 5000; ++i) fprintf(stderr, "line %d of the log\n", i);
    return 0;
  }
  if (!strcmp(what, "grow")) return grow();
  if (!strcmp(what, "sleep")) return sleep_seconds(argc > 2 ? atoi(argv[2]) : 1);
  if (!strcmp(what, "wait-for-clock")) return wait_for_clock();
  if (!strcmp(what, "exit")) exit(argc > 2 ? atoi(argv[2]) : 1);
  if (!strcmp(what, "open")) {
    printf("%d", open("/etc/passwd", O_RDONLY) < 0 ? errno : 0);
    return 0;
  }
  if (!strcmp(what, "null")) {
    puts("before");
    fflush(stdout);
    *(volatile int*)0xfffffff0u = 1;
  }
  return 9;
}

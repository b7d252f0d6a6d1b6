// The smallest useful service, for measurements.
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  const char* path = getenv("PATH_INFO");
  printf("Content-Type: text/plain\r\n\r\nhello %s\n", path ? path : "");
  return 0;
}

/* A stand-in for libcuda with the driver API's signatures: the device's memory is the host's,
   copies are done at once, an event is the time it was recorded. More than 1 GiB is not there. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { double ms; } event_t;

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int allocate(void **address, size_t size) {
  if (size > ((size_t)1 << 30)) return 2; /* CUDA_ERROR_OUT_OF_MEMORY */
  *address = malloc(size);
  return *address ? 0 : 2;
}

int cuInit(unsigned flags) { return getenv("STUB_CUDA_INIT") ? atoi(getenv("STUB_CUDA_INIT")) : 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
  strncpy(name, "Stand-in GPU", length);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 9 : attribute == 76 ? 0 : -1;
  return 0;
}
int cuDriverGetVersion(int *version) { *version = 12040; return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = malloc(1); return 0; }
int cuCtxSetCurrent(void *context) { return context ? 0 : 201; }
int cuMemAlloc_v2(void **address, size_t size) { return allocate(address, size); }
int cuMemAllocHost_v2(void **address, size_t size) { return allocate(address, size); }
int cuMemFree_v2(void *address) { free(address); return 0; }
int cuMemFreeHost(void *address) { free(address); return 0; }
int cuMemcpyHtoDAsync_v2(void *device, const void *host, size_t size, void *stream) {
  if (!stream) return 400; /* CUDA_ERROR_INVALID_HANDLE */
  memcpy(device, host, size);
  return 0;
}
int cuMemcpyDtoHAsync_v2(void *host, const void *device, size_t size, void *stream) {
  if (!stream) return 400;
  memcpy(host, device, size);
  return 0;
}
int cuStreamCreate(void **stream, unsigned flags) { *stream = malloc(1); return flags == 1 ? 0 : 1; }
int cuStreamSynchronize(void *stream) { return stream ? 0 : 400; }
int cuEventCreate(event_t **event, unsigned flags) {
  *event = calloc(1, sizeof(event_t));
  return 0;
}
int cuEventRecord(event_t *event, void *stream) {
  if (!stream) return 400;
  event->ms = now_ms();
  return 0;
}
int cuEventElapsedTime(float *ms, const event_t *first, const event_t *last) {
  *ms = (float)(last->ms - first->ms);
  return 0;
}
int cuGetErrorName(int status, const char **name) {
  *name = status == 400 ? "CUDA_ERROR_INVALID_HANDLE" : "CUDA_ERROR_UNKNOWN";
  return 0;
}

/* The least that a pinger can be, to measure ping against: the same socket, the same flood, the same
 * line for each reply, and nothing that is not needed for it. No reply is verified but for its
 * sequence number.
 *
 *   pinger ADDRESS PORT COUNT BYTES
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static uint16_t checksum(const uint8_t *octets, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += (uint32_t)octets[i] << 8 | octets[i + 1];
    if (length % 2)
        sum += (uint32_t)octets[length - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = value >> 8;
    at[1] = value & 0xff;
}

int main(int argc, char **argv)
{
    static uint8_t request[65536], reply[65536];
    if (argc != 5)
        return 2;
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1 ||
        connect(socket_fd, (struct sockaddr *)&peer, sizeof peer) != 0)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);

    size_t length = 8 + atoi(argv[4]);
    for (size_t i = 8; i < length; i++)
        request[i] = i - 8;
    for (int number = 1; number <= atoi(argv[3]); number++) {
        request[0] = 8;
        put16(request + 2, 0);
        put16(request + 6, number);
        put16(request + 2, checksum(request, length));
        int64_t sent = now_ns();
        if (send(socket_fd, request, length, 0) < 0)
            return 1;
        struct pollfd wait = {.fd = socket_fd, .events = POLLIN};
        while (poll(&wait, 1, 1000) == 1) {
            ssize_t received = recv(socket_fd, reply, sizeof reply, 0);
            int64_t rtt = now_ns() - sent;
            if (received == (ssize_t)length && memcmp(reply + 6, request + 6, 2) == 0) {
                printf("%zd bytes from %s: seq=%d time=%.3f ms\n", received, argv[1],
                       number & 0xffff, rtt / 1e6);
                break;
            }
        }
    }
    return 0;
}

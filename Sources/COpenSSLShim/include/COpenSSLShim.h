// SPDX-License-Identifier: Apache-2.0
//
// What Swift cannot reach of OpenSSL: function-like macros, variadic functions, and a BIO of our own.
// A function shim_X does what OpenSSL's X does, and nothing else.
#ifndef LETTERHOUSE_COPENSSLSHIM_H
#define LETTERHOUSE_COPENSSLSHIM_H

#include <stddef.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Contexts ------------------------------------------------------------------------------------------------------------

static inline int shim_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version);
}

static inline long shim_SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
    return SSL_CTX_set_session_cache_mode(context, mode);
}

// Retried writes may come from another address, and buffers of idle connections are freed.
static inline void shim_SSL_CTX_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

// No compression (CRIME), no renegotiation, and of the ciphers both sides know, the server's favourite.
static inline void shim_SSL_CTX_set_safe_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
}

static inline void shim_SSL_CTX_forbid_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}

static inline void shim_SSL_CTX_set_servername_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *),
                                                        void *argument) {
    SSL_CTX_set_tlsext_servername_arg(context, argument);
    SSL_CTX_set_tlsext_servername_callback(context, callback);
}

static inline long shim_SSL_CTX_add0_chain_cert(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add0_chain_cert(context, certificate);
}

// Connections ---------------------------------------------------------------------------------------------------------

static inline long shim_SSL_set_tlsext_host_name(SSL *connection, const char *name) {
    return SSL_set_tlsext_host_name(connection, name);
}

// The window through which one connection sees its ciphertext: what has come and not been read, and room for what it
// wants to send. Both belong to the caller, and only for the time of one call into OpenSSL.
typedef struct {
    const unsigned char *input;
    size_t input_count;
    unsigned char *output;
    size_t output_count;
    size_t output_room;
} shim_window;

// A BIO that reads from and writes to a window. It says "retry" where input or room is missing; it never sees an end of
// file. The window must outlive the BIO. Any thread may call it at any time. NULL when memory is exhausted.
BIO *shim_BIO_new_window(shim_window *window);

// Memory BIOs ---------------------------------------------------------------------------------------------------------

static inline long shim_BIO_get_mem_data(BIO *bio, char **start) { return BIO_get_mem_data(bio, start); }

// Keys ----------------------------------------------------------------------------------------------------------------

static inline EVP_PKEY *shim_EVP_RSA_gen(unsigned int bits) { return EVP_RSA_gen(bits); }

static inline EVP_PKEY *shim_EVP_ED25519_gen(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); }

// Certificates --------------------------------------------------------------------------------------------------------

static inline EVP_PKEY *shim_EVP_EC_gen_P256(void) { return EVP_EC_gen("P-256"); }

// Adds an extension, given as in OpenSSL's configuration files, to a certificate that is its own issuer. 1 on success.
int shim_X509_add_self_issued_extension(X509 *certificate, int nid, const char *value);

// Shows `take` each rfc822Name of the certificate's subjectAltName: octets that need not be text and have no zero behind
// them.
void shim_X509_each_rfc822Name(X509 *certificate, void *context,
                               void (*take)(void *context, const unsigned char *octets, size_t count));

#endif

// SPDX-License-Identifier: Apache-2.0

#include "COpenSSLShim.h"

#include <string.h>

#include <openssl/crypto.h>

static int window_read(BIO *bio, char *destination, size_t wanted, size_t *count) {
    shim_window *window = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (window->input_count == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    if (wanted > window->input_count) wanted = window->input_count;
    memcpy(destination, window->input, wanted);
    window->input += wanted;
    window->input_count -= wanted;
    *count = wanted;
    return 1;
}

static int window_write(BIO *bio, const char *source, size_t wanted, size_t *count) {
    shim_window *window = BIO_get_data(bio);
    size_t room = window->output_room - window->output_count;
    BIO_clear_retry_flags(bio);
    if (room == 0) {
        BIO_set_retry_write(bio);
        return 0;
    }
    if (wanted > room) wanted = room;
    memcpy(window->output + window->output_count, source, wanted);
    window->output_count += wanted;
    *count = wanted;
    return 1;
}

static long window_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int window_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;
static BIO_METHOD *method;

static void make_method(void) {
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "letterhouse window");
    if (made == NULL) return;
    if (BIO_meth_set_read_ex(made, window_read) && BIO_meth_set_write_ex(made, window_write) &&
        BIO_meth_set_ctrl(made, window_control) && BIO_meth_set_create(made, window_create)) {
        method = made;
    } else {
        BIO_meth_free(made);
    }
}

BIO *shim_BIO_new_window(shim_window *window) {
    if (!CRYPTO_THREAD_run_once(&method_once, make_method) || method == NULL) return NULL;
    BIO *bio = BIO_new(method);
    if (bio != NULL) BIO_set_data(bio, window);
    return bio;
}

int shim_X509_add_self_issued_extension(X509 *certificate, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (extension == NULL) return 0;
    int added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

void shim_X509_each_rfc822Name(X509 *certificate, void *context,
                               void (*take)(void *context, const unsigned char *octets, size_t count)) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int index = 0; index < sk_GENERAL_NAME_num(names); index++) {
        GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
        if (name->type != GEN_EMAIL) continue;
        take(context, ASN1_STRING_get0_data(name->d.rfc822Name), (size_t)ASN1_STRING_length(name->d.rfc822Name));
    }
    GENERAL_NAMES_free(names);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of a promised form. Outside the promise so far: hob_experimental.h.
 *
 * A grammar says which texts an answer may be: those of a JSON Schema, of a regular expression, of
 * a GBNF grammar, or some texts to choose from. hob_generate_options.grammar makes an answer one of
 * them: at each token, those that would leave the grammar cannot be chosen, and where only the end
 * is left the answer ends. An answer that something else ends (max_tokens, a stop text, its time, a
 * full context) is the beginning of such a text. docs/reference/grammars.md says what is read.
 */
#ifndef HOB_GRAMMAR_H_
#define HOB_GRAMMAR_H_

#include <hob/base.h>
#include <hob/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable, but for masks that it keeps as they are first needed (at most 32 MiB). Holds memory
 * alone, and works on in a forked child. Threads: any number of answers and threads may use one. */
typedef struct hob_grammar hob_grammar;

typedef int32_t hob_grammar_kind;
enum {
  HOB_GRAMMAR_JSON_SCHEMA = 1, /* draft 2020-12; a keyword that hob lacks is an error */
  HOB_GRAMMAR_REGEX = 2,       /* that the whole text matches; a subset of ECMA-262 */
  HOB_GRAMMAR_GBNF = 3         /* the notation of llama.cpp, beginning at the rule "root" */
};

/* Reads a grammar for one vocabulary: for answers, that of hob_model_get_tokenizer of the model.
 * Errors: HOB_INVALID_ARGUMENT says what is wrong and where (also: no text matches it, a rule
 * begins with itself, it is too large); HOB_UNIMPLEMENTED names what hob lacks. Any thread. */
HOB_API hob_status hob_grammar_create(hob_grammar** out, const hob_tokenizer* tokenizer,
                                      hob_grammar_kind kind, const char* source, size_t source_size,
                                      hob_error** error);

/* A grammar of these texts. Errors: HOB_INVALID_ARGUMENT if there are none, or one is not UTF-8. */
HOB_API hob_status hob_grammar_create_choices(hob_grammar** out, const hob_tokenizer* tokenizer,
                                              const hob_string* texts, size_t count,
                                              hob_error** error);

/* Gives the handle up. Answers on their way and matchers go on. */
HOB_API void hob_grammar_destroy(hob_grammar* grammar);

/* How far one text has come in a grammar, for an app that samples by itself: a session has one
 * inside. Holds memory alone. Threads: one at a time; a second one at the same time gets
 * HOB_FAILED_PRECONDITION. */
typedef struct hob_matcher hob_matcher;

/* At the beginning of a text. Errors: HOB_INVALID_ARGUMENT if the grammar is too ambiguous to be
 * followed, which may also come later, from the calls below. */
HOB_API hob_status hob_matcher_create(hob_matcher** out, const hob_grammar* grammar,
                                      hob_error** error);
HOB_API void hob_matcher_destroy(hob_matcher* matcher);

/* Sets those of logits[count], one of each id, that may not come next to -infinity; tokens that end
 * an answer stay where the text may end. Errors: HOB_FAILED_PRECONDITION if no token of the
 * vocabulary goes on. */
HOB_API hob_status hob_matcher_mask_logits(hob_matcher* matcher, float* logits, size_t count,
                                           hob_error** error);

/* Takes the next tokens, all or none. Errors: HOB_INVALID_ARGUMENT names the one that does not fit;
 * HOB_RESOURCE_EXHAUSTED if the text is nested more than 1024 deep. */
HOB_API hob_status hob_matcher_accept(hob_matcher* matcher, const int32_t* tokens, size_t count,
                                      hob_error** error);

/* Whether the text may end here, and whether nothing else is left. Both may be NULL. */
HOB_API hob_status hob_matcher_get_end(uint8_t* out_may, uint8_t* out_must,
                                       const hob_matcher* matcher, hob_error** error);

/* The bytes that must come next, at most `most`; maybe none. *out lives until the next call on the
 * matcher. */
HOB_API hob_status hob_matcher_forced_text(hob_string* out, hob_matcher* matcher, size_t most,
                                           hob_error** error);

/* Back to the beginning. */
HOB_API hob_status hob_matcher_reset(hob_matcher* matcher, hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_GRAMMAR_H_ */

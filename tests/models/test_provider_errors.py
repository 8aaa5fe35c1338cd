"""What the words of providers and servers mean, whatever they are."""

from __future__ import annotations

import types

import pytest

from rbsuite.models.provider_errors import EmptyReply, FailureKind, asks_for_reasoning, classify


class Failed(Exception):
    """A failure of a provider, as litellm raises what it knows no class for."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status_code = status


OVERFLOWS = [
    (400, "This model's maximum context length is 128000 tokens. However, your messages resulted in 130012"),
    (
        400,
        "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300001 tokens. Please reduce the length of",
    ),
    (400, "Your input exceeds the context window of this model. Please adjust your input and try again."),
    (400, "Invalid 'messages[1].content': string too long. Expected a string with maximum length 1048576, but"),
    (429, "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested"),
    (413, "Request too large for model `llama-3.3-70b` in organization `org_x` service tier `on_demand` on"),
    (400, "prompt is too long: 210000 tokens > 200000 maximum"),
    (400, "input length and `max_tokens` exceed context limit: 199759 + 20000 > 200000, decrease input length"),
    (413, "Request exceeds the maximum size"),
    (413, "request_too_large: Request size exceeds model context window"),
    (400, "Input is too long for requested model."),
    (400, "The model returned the following errors: Input is too long for requested model."),
    (400, "The model returned the following errors: too many total text bytes: 5000000 > 4194304"),
    (400, "This model's maximum context length is 8192 tokens. Please reduce the length of the prompt"),
    (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
    (400, "The input token count exceeds the maximum number of tokens allowed 32768."),
    (400, "Unable to submit request because the input token count is 40000 but model only supports up to"),
    (400, "This model's maximum context length is 4096 tokens. However, you requested 4200 tokens (4100 in"),
    (400, "The decoder prompt (length 5001) is longer than the maximum model length of 4096. Make sure that"),
    (400, "'max_tokens' or 'max_completion_tokens' is too large: 1000. This model's maximum context length is"),
    (400, "max_tokens must be at least 1, got -104."),
    (400, "You passed 5000 input tokens and requested 1000 output tokens. However, the model's context length"),
    (400, "The input (5000 tokens) is longer than the model's context length (4096 tokens)."),
    (400, "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a"),
    (400, "the request exceeds the available context size, try increasing it"),
    (400, "request (20022 tokens) exceeds the available context size (4096 tokens), try increasing it"),
    (500, "input is too large to process. increase the physical batch size"),
    (500, "context shift is disabled"),
    (500, "the request exceeds the available context size. try increasing the context size or enable context"),
    (500, "Input prompt is too big compared to KV size. Please try increasing KV size."),
    (400, "The number of tokens to keep from the initial prompt is greater than the context length. Try to"),
    (
        400,
        "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length",
    ),
    (400, "Reached context length of 4096 tokens with model (arch=llama) that does not currently support"),
    (500, "input length exceeds maximum context length"),
    (400, "the input length exceeds the context length"),
    (400, "prompt too long; exceeded max context length by 1200 tokens"),
    (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs`"),
    (422, "Input validation error: `inputs` must have less than 4095 tokens. Given: 5000"),
    (400, "Prompt length (5000) exceeds maximum input length (4096). Set log level to info and check"),
    (400, "The sum of prompt length (5000.0), sampling params' max_tokens (100) should not exceed max_num_tokens"),
    (400, "default_max_tokens (-900) should be greater than 0, default_max_tokens (-900) = max_seq_len (4096)"),
    (400, "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"),
    (422, "The number of tokens in the prompt exceeds the model's limit"),
    (400, "too many tokens: size limit exceeded by 1200 tokens. Try using shorter or fewer inputs, or setting"),
    (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000."),
    (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs`"),
    (400, "The prompt is too long: 9000, model maximum context length: 8191"),
    (400, "Requested input length 9000 exceeds maximum input length 8191"),
    (400, "Please reduce the length of the messages or completion."),
    (400, "This model's maximum prompt length is 131072 but the request contains 140000 tokens."),
    (400, "This model's maximum context length is 65536 tokens. However, you requested 70000 tokens (66000 in"),
    (400, "Invalid request: Your request exceeded model token limit: 131072"),
    (400, "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]"),
    (400, "Prompt 超长"),
    (400, "Prompt exceeds max length"),
    (400, "invalid params, context window exceeds limit (2013)"),
    (400, "Input tokens limit exceeded: 9000 > 8192"),
    (400, "Exceeded max context length: prompt tokens 9000"),
    (400, "This endpoint's maximum context length is 32768 tokens. However, you requested about 40000 tokens"),
    (400, "Current length is 9000 while limit is 8192"),
    (400, "the number of input tokens 9000 cannot exceed the total tokens limit 8192 for this model"),
    (400, "ValidationException: prompt is too long"),
    (400, "Token limit exceeded: the messages have 9000 tokens"),
    (413, "Payload Too Large: the prompt has too many tokens"),
    (400, "inputs tokens + max_new_tokens must be <= 4096; context limit reached"),
    (400, "The prompt (total length 5000) is too long to fit into the model (context length 4096)."),
    (400, "Conversation is too long for this model"),
    (400, "Your request exceeds the limit of the context of this model"),
    (400, "model_context_window_exceeded"),
]
"""As providers and servers say it: OpenAI, Groq, Anthropic, Bedrock, Gemini, vLLM, SGLang, llama.cpp, LM Studio, Ollama, TGI,
TensorRT-LLM, Mistral, Cohere, Together, xAI, DeepSeek, DashScope, Zhipu, MiniMax, OpenRouter."""

OTHERS: list[tuple[int, str, FailureKind]] = [
    (
        429,
        "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used",
        "transient",
    ),
    (429, "Number of request tokens has exceeded your per-minute rate limit; maximum is 40,000", "transient"),
    (429, "This request would exceed your organization's rate limit of 30,000 input tokens per minute.", "transient"),
    (
        400,
        "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you",
        "request",
    ),
    (400, "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for this model", "request"),
    (
        400,
        "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with",
        "request",
    ),
    (
        400,
        "Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 40",
        "request",
    ),
    (400, "Invalid 'messages[3].name': string does not match pattern.", "request"),
    (400, "temperature must be between 0 and 1", "request"),
    (500, "The server had an error while processing your request. Sorry about that!", "transient"),
    (503, "Queue is too long, please try again later", "transient"),
    (503, "The request queue exceeds the maximum size", "transient"),
    (500, "Request timed out: exceeded the maximum time limit", "transient"),
    (400, "tool_choice requires tools", "request"),
    (429, "Too many requests", "transient"),
    (400, "Too many images: at most 5 images may be provided in one request", "request"),
    (502, "upstream request timeout exceeded maximum", "transient"),
    (400, "Image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes", "request"),
    (429, "You exceeded your current quota, please check your plan and billing details", "quota"),
]


@pytest.mark.parametrize(("status", "words"), OVERFLOWS)
def test_an_overflow_in_any_words_is_one_outcome(status: int, words: str) -> None:
    assert classify(Failed(status, words), types.SimpleNamespace()) == "context_overflow"


@pytest.mark.parametrize(("status", "words", "kind"), OTHERS)
def test_other_limits_are_no_overflow(status: int, words: str, kind: FailureKind) -> None:
    assert classify(Failed(status, words), types.SimpleNamespace()) == kind


def test_a_reply_that_was_broken_off_is_tried_again_unless_its_words_say_why() -> None:
    litellm = types.SimpleNamespace()
    assert classify(EmptyReply("the provider broke off its reply (error)"), litellm) == "transient"
    assert classify(EmptyReply("(error): maximum context length is 8 tokens"), litellm) == "context_overflow"


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ("Missing `reasoning_content` field in the assistant message at message index 1.", True),
        ("thinking is enabled but reasoning_content is missing in assistant tool call message at index 2", True),
        ("The reasoning_content in the thinking mode must be passed back to the API.", True),
        ("The reasoning_content is an intermediate result and cannot be passed as input", False),
        ("Unknown field reasoning_content", False),
    ],
)
def test_a_provider_that_asks_for_reasoning_is_understood(words: str, due: bool) -> None:
    assert asks_for_reasoning(Failed(400, words)) is due

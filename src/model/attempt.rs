//! One attempt on one model: build the request, carry it, read the answer, show what may be shown, judge it.
//!
//! It knows nothing of retries and fallbacks. Whatever happens it says what was shown, what came and what it cost, so
//! that a failure in the middle leaves nothing unaccounted for. Tokens that a provider did not count are estimated.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::Emit;
use super::carrier::{Carrier, Exchange, Until};
use super::guard::Guard;
use super::prompt::Prompt;
use super::refusal::{Refused, refused};
use super::sentences::Gate;
use super::settings::Prices;
use super::sse::Decoder;
use super::stream::{Reader, Silence, Streamed, Voice, ended, hear};
use super::verdict::{judge, of_offence};
use super::wire::{Dialect, Finish, Reply, Tokens};
use super::{anthropic, openai};
use crate::conversation::question::ModelVerdict;
use crate::conversation::trail::Usage;
use crate::conversation::words::ModelFault;
use crate::trace;

/// Bytes for each token, where a provider does not count them: English has about four, Spanish somewhat fewer.
const BYTES_PER_TOKEN: u64 = 4;

/// A remote model, ready to be asked.
pub(super) struct Remote {
    pub(super) carrier: Carrier,
    pub(super) dialect: Dialect,
    pub(super) name: String,
    pub(super) max_tokens: u32,
    pub(super) prices: Prices,
}

/// What one attempt needs besides the model.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) prompt: &'a Prompt,
    pub(super) guard: &'a Guard,
    pub(super) emit: Option<&'a dyn Emit>,
    pub(super) cancelled: &'a CancellationToken,
    /// When this attempt began.
    pub(super) began: Instant,
    /// Until when this model may take to begin.
    pub(super) patience: Instant,
    /// Until when an answer that has begun to show must be complete.
    pub(super) deadline: Instant,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) verdict: ModelVerdict,
    pub(super) tools: Vec<(String, String)>,
    pub(super) usage: Usage,
    /// How sure it said it was, in percent.
    pub(super) confidence: Option<u8>,
}

/// No answer.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) why: Refused,
    /// Something was shown already: nobody else may begin anew.
    pub(super) shown: bool,
    /// All that came, for a private draft.
    pub(super) partial: String,
    pub(super) usage: Usage,
}

impl Remote {
    /// Asks once.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Answer, Failed> {
        let mut exchange = match self.open(&ask).await {
            Ok(exchange) => exchange,
            Err(why) => return Err(self.failed(&ask, why, false, Reply::default())),
        };
        let Some(emit) = ask.emit else {
            return match self.whole(&ask, &mut exchange).await {
                Ok(reply) => self.judged(&ask, reply, None),
                Err(why) => Err(self.failed(&ask, why, false, Reply::default())),
            };
        };
        let mut voice = Voice {
            gate: Gate::new(ask.guard),
            emit,
            shown: String::new(),
        };
        let streamed = if exchange.is_stream() {
            self.streamed(&ask, &mut exchange, &mut voice).await
        } else {
            // asked for a stream and given a whole answer: some gateways do
            match self.whole(&ask, &mut exchange).await {
                Ok(reply) => ended(reply, &mut voice),
                Err(why) => Streamed::Broken(why, Reply::default()),
            }
        };
        drop(exchange); // an answer nobody reads to its end is cut off here
        match streamed {
            Streamed::Whole(reply) => self.judged(&ask, reply, Some(voice.shown)),
            Streamed::Silenced(Silence::Guard(offence, held), reply) => Ok(Answer {
                text: voice.shown.clone(),
                verdict: of_offence(ask.guard, offence, &held),
                tools: called(&reply),
                usage: self.usage(&ask, &reply),
                confidence: None,
            }),
            Streamed::Silenced(Silence::Stopped, reply) => {
                let why = Refused::new(
                    ModelFault::Cancelled,
                    "the stream to the customer was stopped",
                );
                Err(self.failed(&ask, why, true, reply))
            }
            Streamed::Broken(why, reply) => {
                Err(self.failed(&ask, why, !voice.shown.is_empty(), reply))
            }
        }
    }

    async fn open(&self, ask: &Ask<'_>) -> Result<Exchange, Refused> {
        let until = self.until(ask, false);
        let mut exchange = self
            .carrier
            .post(self.body(ask.prompt, ask.emit.is_some()), until)
            .await?;
        if exchange.status.is_success() {
            return Ok(exchange);
        }
        let (status, headers) = (exchange.status, exchange.headers().clone());
        // a refusal whose body breaks is the same refusal
        let body = match exchange.whole(until).await {
            Ok(body) => body,
            Err(why) if why.fault == ModelFault::Cancelled => return Err(why),
            Err(_) => Vec::new(),
        };
        Err(refused(status, &headers, &body))
    }

    fn until<'a>(&self, ask: &Ask<'a>, shown: bool) -> Until<'a> {
        Until {
            deadline: if shown { ask.deadline } else { ask.patience },
            cancelled: ask.cancelled,
        }
    }

    fn body(&self, prompt: &Prompt, stream: bool) -> String {
        match &self.dialect {
            Dialect::Anthropic { .. } => {
                anthropic::request(prompt, &self.name, self.max_tokens, stream)
            }
            Dialect::OpenAi { limit } => {
                openai::request(prompt, &self.name, self.max_tokens, *limit, stream)
            }
        }
    }

    async fn whole(&self, ask: &Ask<'_>, exchange: &mut Exchange) -> Result<Reply, Refused> {
        let body = exchange.whole(self.until(ask, false)).await?;
        match &self.dialect {
            Dialect::Anthropic { .. } => anthropic::read(&body),
            Dialect::OpenAi { .. } => openai::read(&body),
        }
    }

    async fn streamed(
        &self,
        ask: &Ask<'_>,
        exchange: &mut Exchange,
        voice: &mut Voice<'_>,
    ) -> Streamed {
        let mut reader = Reader::new(&self.dialect);
        let mut decoder = Decoder::new();
        let mut first = true;
        while !reader.is_done() {
            let piece = match exchange
                .piece(self.until(ask, !voice.shown.is_empty()))
                .await
            {
                Ok(piece) => piece,
                Err(why) => return Streamed::Broken(why, reader.so_far().clone()),
            };
            let last = piece.is_none();
            if std::mem::take(&mut first) && !last {
                trace::first_chunk(ask.began.elapsed());
            }
            let events = match piece {
                Some(piece) => decoder.feed(&piece),
                None => std::mem::take(&mut decoder).finish().map(Vec::from_iter),
            };
            match hear(events, &mut reader, voice) {
                Ok(None) => {}
                Ok(Some(silence)) => return Streamed::Silenced(silence, reader.so_far().clone()),
                Err(why) => return Streamed::Broken(why, reader.so_far().clone()),
            }
            if last {
                break;
            }
        }
        let so_far = reader.so_far().clone();
        match reader.finish() {
            Ok(reply) => ended(reply, voice),
            Err(why) => Streamed::Broken(why, so_far),
        }
    }

    /// What a complete reply means. `shown`: what the customer saw of it, if it was streamed.
    fn judged(&self, ask: &Ask<'_>, reply: Reply, shown: Option<String>) -> Result<Answer, Failed> {
        trace::finished(finished(&reply));
        if reply.finish == Finish::Filtered && reply.tools.is_empty() {
            let why = Refused::new(ModelFault::Filtered, "the provider held the answer back");
            let seen = shown.is_some_and(|shown| !shown.is_empty());
            return Err(self.failed(ask, why, seen, reply));
        }
        let verdict = judge(ask.guard, &reply);
        let text = match (shown, &verdict) {
            (Some(shown), _) => shown,
            (None, ModelVerdict::Reply) => reply.text.trim().to_owned(),
            (None, ModelVerdict::Escalate { .. }) => String::new(),
        };
        Ok(Answer {
            text,
            verdict,
            tools: called(&reply),
            usage: self.usage(ask, &reply),
            confidence: None,
        })
    }

    fn failed(&self, ask: &Ask<'_>, why: Refused, shown: bool, reply: Reply) -> Failed {
        let cut_off = match why.fault {
            // the request had left: the provider reads and charges it
            ModelFault::Timeout | ModelFault::Cancelled => true,
            ModelFault::RateLimited
            | ModelFault::Auth
            | ModelFault::BadRequest
            | ModelFault::ServerError
            | ModelFault::Filtered => reply != Reply::default(),
        };
        Failed {
            why,
            shown,
            usage: if cut_off {
                self.usage(ask, &reply)
            } else {
                Usage::default()
            },
            partial: reply.text,
        }
    }

    fn usage(&self, ask: &Ask<'_>, reply: &Reply) -> Usage {
        let estimate = |bytes: usize| {
            u64::try_from(bytes)
                .unwrap_or(u64::MAX)
                .div_ceil(BYTES_PER_TOKEN)
        };
        let written: usize = reply
            .tools
            .iter()
            .map(|tool| tool.arguments.len())
            .sum::<usize>()
            + reply.text.len();
        let counted = reply.tokens;
        let tokens = Tokens {
            input: if counted.input == 0 {
                estimate(ask.prompt.bytes())
            } else {
                counted.input
            },
            cached: counted.cached.min(counted.input),
            // a stream that was cut off has counted only its beginning
            output: counted.output.max(if counted.output <= 1 {
                estimate(written)
            } else {
                0
            }),
        };
        priced(tokens, self.prices)
    }
}

/// Why the model stopped, in OpenTelemetry's words.
fn finished(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Complete if !reply.tools.is_empty() => "tool_calls",
        Finish::Complete => "stop",
        Finish::Length => "length",
        Finish::Filtered => "content_filter",
        Finish::Other => "other",
    }
}

fn called(reply: &Reply) -> Vec<(String, String)> {
    reply
        .tools
        .iter()
        .map(|tool| (tool.name.clone(), tool.arguments.clone()))
        .collect()
}

/// What tokens cost, rounded up to a millionth of a dollar.
pub(super) fn priced(tokens: Tokens, prices: Prices) -> Usage {
    let share = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
    let total = share(tokens.input.saturating_sub(tokens.cached), prices.input)
        + share(tokens.cached, prices.cached)
        + share(tokens.output, prices.output);
    Usage {
        input: tokens.input,
        cached: tokens.cached,
        output: tokens.output,
        cost_micros: u64::try_from(total.div_ceil(1_000_000)).unwrap_or(u64::MAX),
    }
}

/// What two attempts cost together.
pub(super) fn sum(a: Usage, b: Usage) -> Usage {
    Usage {
        input: a.input.saturating_add(b.input),
        cached: a.cached.saturating_add(b.cached),
        output: a.output.saturating_add(b.output),
        cost_micros: a.cost_micros.saturating_add(b.cost_micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_are_charged_apart_and_the_sum_is_rounded_up() {
        let prices = Prices {
            input: 3_000_000,
            output: 15_000_000,
            cached: 300_000,
        };
        let usage = priced(
            Tokens {
                input: 1_000,
                cached: 400,
                output: 10,
            },
            prices,
        );
        assert_eq!(usage.cost_micros, 600 * 3 + 120 + 150);
        assert_eq!(
            priced(
                Tokens {
                    input: 1,
                    cached: 0,
                    output: 0
                },
                Prices {
                    input: 1,
                    output: 0,
                    cached: 0
                }
            )
            .cost_micros,
            1
        );
        assert_eq!(priced(Tokens::default(), prices), Usage::default());
    }
}

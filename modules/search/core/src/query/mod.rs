//! Query texts: lexer, parser, plan.

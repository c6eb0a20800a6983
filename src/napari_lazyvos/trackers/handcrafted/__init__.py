"""The tracker that needs no weights: motion, matching and looks vote on every pixel.

`window` chooses where to look and how closely; `features` describes it; `flow` carries the last
masks along; `matching` reads remembered frames; `looks` tells object from background anywhere;
`votes` weighs them; `edges` fits the result to the image; `memory` is what stays.
"""

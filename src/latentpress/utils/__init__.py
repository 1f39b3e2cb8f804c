"""Commands under the names that tutorials of the field use, over the code of `latentpress` itself.

`python -m latentpress.utils.update_model` does what `latentpress update` does, and
`python -m latentpress.utils.eval_model` what `latentpress eval` does, with the tutorials' flags; `bench` and
`find_close` are `latentpress bench` and `latentpress find-close`.
"""

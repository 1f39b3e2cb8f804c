"""The tutorials' commands for video: `python -m latentpress.utils.video.eval_model`, `.bench` and `.plot`."""

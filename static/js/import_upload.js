// The page of uploads: what is too large is told before it is sent.
const input = document.getElementById('file');

input?.addEventListener('change', () => {
  const bytes = [...input.files].reduce((sum, file) => sum + file.size, 0);
  input.setCustomValidity(bytes > input.dataset.limitMb * 2 ** 20 ? input.dataset.tooLarge : '');
  input.reportValidity();
});
